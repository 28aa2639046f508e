package import Configuration
package import Logging
package import ServiceKit

/// What a run of ``ProductSync`` is told from outside, read once at its start. It needs no database.
package struct ProductSyncSettings: Sendable {
  /// Where the catalogue is (`ORDERS_SERVICE_URL`).
  package var orders: ServiceAddress
  /// Where the inventory is (`INVENTORY_SERVICE_URL`).
  package var inventory: ServiceAddress
  /// How calls to both are tried (`INVENTORY_SERVICE_TIMEOUT`, ms; `INVENTORY_SERVICE_RETRY_ATTEMPTS`).
  package var calls: ServicePeer.Options
  /// What all services know (`SERVICE_TOKEN` or `SERVICE_TOKEN_FILE`).
  package var token: Secret
  /// What is logged (`LOG_LEVEL`).
  package var logLevel: Logger.Level

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
    orders = reader.address("ORDERS_SERVICE_URL", default: "http://orders-service:3001")
    inventory = reader.address("INVENTORY_SERVICE_URL", default: "http://inventory-service:8080")
    calls = reader.callOptions()
    token = reader.serviceToken()
    logLevel = reader.choice("LOG_LEVEL", of: Logger.Level.allCases.map { ($0.rawValue, $0) }, default: .info)
    guard reader.issues.isEmpty else { throw ConfigurationError(issues: reader.issues) }
  }
}
