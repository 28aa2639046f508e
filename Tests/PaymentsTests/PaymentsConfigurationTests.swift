import Configuration
import Logging
import Payments
import ServiceKit
import Testing

@Suite struct PaymentsConfigurationTests {
  private func read(_ variables: [String: String]) throws(ConfigurationError) -> PaymentsConfiguration {
    try PaymentsConfiguration(provider: EnvironmentVariablesProvider(environmentVariables: variables)) { _ in "" }
  }

  @Test func nothingMustBeSaid() throws {
    let configuration = try read([:])
    #expect(configuration.host == "0.0.0.0" && configuration.port == 8090 && configuration.logLevel == .info)
    #expect(configuration.shutdownTimeout == .seconds(25))
  }

  @Test func everyVariableIsRead() throws {
    let configuration = try read([
      "PAYMENTS_HOST": "127.0.0.1", "PAYMENTS_PORT": "0", "SHUTDOWN_TIMEOUT": "100", "LOG_LEVEL": "error",
    ])
    #expect(configuration.host == "127.0.0.1" && configuration.port == 0 && configuration.logLevel == .error)
    #expect(configuration.shutdownTimeout == .milliseconds(100))
  }

  @Test func everyWrongVariableIsNamed() {
    let error = #expect(throws: ConfigurationError.self) {
      try read(["PAYMENTS_PORT": "x", "SHUTDOWN_TIMEOUT": "0", "LOG_LEVEL": "loud"])
    }
    #expect(error?.issues.map(\.variable) == ["PAYMENTS_PORT", "SHUTDOWN_TIMEOUT", "LOG_LEVEL"])
  }
}
