package import Configuration
package import Logging
package import ServiceKit

/// What the payments sandbox is told from outside, read once at its start.
package struct PaymentsConfiguration: Sendable {
  /// The address to listen on (`PAYMENTS_HOST`).
  package var host: String
  /// The port to listen on; 0 lets the system choose (`PAYMENTS_PORT`).
  package var port: Int
  /// How long it waits, when it goes down, for what runs (`SHUTDOWN_TIMEOUT`, ms).
  package var shutdownTimeout: Duration
  /// What is logged (`LOG_LEVEL`).
  package var logLevel: Logger.Level

  /// Reads the configuration.
  ///
  /// - Parameters:
  ///   - provider: where values come from: the environment, or a test's.
  ///   - readFile: reads the file that a `…_FILE` variable names.
  /// - Throws: `ConfigurationError` that lists every variable that is wrong.
  package init(
    provider: some ConfigProvider, readFile: @escaping (String) throws -> String
  ) throws(ConfigurationError) {
    var reader = SettingsReader(config: ConfigReader(provider: provider), readFile: readFile)
    host = reader.string("PAYMENTS_HOST", default: "0.0.0.0")
    port = reader.integer("PAYMENTS_PORT", in: 0...65_535, default: 8090)
    shutdownTimeout = reader.milliseconds("SHUTDOWN_TIMEOUT", upTo: 3_600_000, default: 25_000)
    logLevel = reader.choice("LOG_LEVEL", of: Logger.Level.allCases.map { ($0.rawValue, $0) }, default: .info)
    guard reader.issues.isEmpty else { throw ConfigurationError(issues: reader.issues) }
  }
}
