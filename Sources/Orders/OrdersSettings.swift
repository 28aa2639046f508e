package import Configuration
internal import Seams
package import ServiceKit

/// What the orders service is told from outside besides what every service is, read once at its start.
package struct OrdersSettings: Sendable {
  /// The address to listen on (`ORDERS_HOST`).
  package var host: String
  /// The port to listen on; 0 lets the system choose (`ORDERS_PORT`).
  package var port: Int
  /// Where the inventory is (`INVENTORY_SERVICE_URL`).
  package var inventory: ServiceAddress
  /// Where the payment provider is (`PAYMENTS_SERVICE_URL`).
  package var payments: ServiceAddress
  /// How calls to both are tried (`INVENTORY_SERVICE_TIMEOUT`, ms; `INVENTORY_SERVICE_RETRY_ATTEMPTS`).
  package var calls: ServicePeer.Options
  /// What all services know (`SERVICE_TOKEN` or `SERVICE_TOKEN_FILE`).
  package var token: Secret

  /// Reads the settings.
  ///
  /// - Parameters:
  ///   - provider: where values come from: the environment, or a test's.
  ///   - readFile: reads the file that a `…_FILE` variable names.
  /// - Throws: `ConfigurationError` that lists every variable that is wrong.
  package init(
    provider: some ConfigProvider, readFile: @escaping (String) throws -> String
  ) throws(ConfigurationError) {
    var reader = SettingsReader(config: ConfigReader(provider: provider), readFile: readFile)
    host = reader.string("ORDERS_HOST", default: "0.0.0.0")
    port = reader.integer("ORDERS_PORT", in: 0...65_535, default: 3001)
    inventory = Self.address("INVENTORY_SERVICE_URL", default: "http://inventory-service:8080", &reader)
    payments = Self.address("PAYMENTS_SERVICE_URL", default: "http://payments-service:8090", &reader)
    let timeout = reader.milliseconds("INVENTORY_SERVICE_TIMEOUT", upTo: 600_000, default: 5_000)
    let retries = reader.integer("INVENTORY_SERVICE_RETRY_ATTEMPTS", in: 0...10, default: 3)
    calls = ServicePeer.Options(
      attemptTimeout: timeout,
      retries: RetryPolicy(
        attempts: retries + 1, baseBackOff: .seconds(1), maximumBackOff: .seconds(4), jitter: 0.2))
    token = reader.secret("SERVICE_TOKEN", expectation: "a secret of at least 16 characters") { $0.utf8.count >= 16 }
    guard reader.issues.isEmpty else { throw ConfigurationError(issues: reader.issues) }
  }

  private static func address(
    _ variable: String, default standard: String, _ reader: inout SettingsReader
  ) -> ServiceAddress {
    let text = reader.string(variable, default: standard)
    guard let address = ServiceAddress(url: text) else {
      reader.fail(variable, "expected http://HOST:PORT or https://HOST:PORT, found \"\(text.prefix(80))\"")
      return ServiceAddress(authority: "localhost")
    }
    return address
  }
}
