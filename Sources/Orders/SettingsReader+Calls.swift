import Configuration
import Seams
import ServiceKit

/// What the service and the commands on its products read alike.
extension SettingsReader {
  /// Where another service is.
  mutating func address(_ variable: String, default standard: String) -> ServiceAddress {
    let text = string(variable, default: standard)
    guard let address = ServiceAddress(url: text) else {
      fail(variable, "expected http://HOST:PORT or https://HOST:PORT, found \"\(text.prefix(80))\"")
      return ServiceAddress(authority: "localhost")
    }
    return address
  }

  /// How calls of other services are tried (`INVENTORY_SERVICE_TIMEOUT`, ms; `INVENTORY_SERVICE_RETRY_ATTEMPTS`).
  mutating func callOptions() -> ServicePeer.Options {
    let timeout = milliseconds("INVENTORY_SERVICE_TIMEOUT", upTo: 600_000, default: 5_000)
    let retries = integer("INVENTORY_SERVICE_RETRY_ATTEMPTS", in: 0...10, default: 3)
    return ServicePeer.Options(
      attemptTimeout: timeout,
      retries: RetryPolicy(
        attempts: retries + 1, baseBackOff: .seconds(1), maximumBackOff: .seconds(4), jitter: 0.2))
  }

  /// What all services know (`SERVICE_TOKEN` or `SERVICE_TOKEN_FILE`).
  mutating func serviceToken() -> Secret {
    secret("SERVICE_TOKEN", expectation: "a secret of at least 16 characters") { $0.utf8.count >= 16 }
  }
}
