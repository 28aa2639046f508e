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
  /// Where customers' notifications are posted; `nil`: into the log.
  package var webhook: Webhook?

  /// A receiver of notifications.
  package struct Webhook: Sendable {
    /// Where it is (`NOTIFICATIONS_WEBHOOK_URL` or `NOTIFICATIONS_WEBHOOK_URL_FILE`).
    package var url: WebhookURL
    /// What it checks signatures with (`NOTIFICATIONS_WEBHOOK_SECRET` or `NOTIFICATIONS_WEBHOOK_SECRET_FILE`).
    package var secret: Secret
  }

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
    inventory = reader.address("INVENTORY_SERVICE_URL", default: "http://inventory-service:8080")
    payments = reader.address("PAYMENTS_SERVICE_URL", default: "http://payments-service:8090")
    calls = reader.callOptions()
    token = reader.serviceToken()
    webhook = Self.webhook(&reader)
    guard reader.issues.isEmpty else { throw ConfigurationError(issues: reader.issues) }
  }

  private static func webhook(_ reader: inout SettingsReader) -> Webhook? {
    // Its path may hold a token of the receiver: it is no more shown than a secret.
    let text = reader.secretIfSet(
      "NOTIFICATIONS_WEBHOOK_URL", expectation: "a URL such as https://HOST:PORT/PATH, without a fragment"
    ) { WebhookURL($0) != nil }
    guard let url = text.flatMap({ WebhookURL($0.value) }) else { return nil }
    let secret = reader.secret(
      "NOTIFICATIONS_WEBHOOK_SECRET", expectation: "a secret of at least 16 characters"
    ) { $0.utf8.count >= 16 }
    return Webhook(url: url, secret: secret)
  }
}
