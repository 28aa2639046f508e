import ArgumentParser
import Configuration
import Foundation
import Logging
import Payments
import SeamsLive
import ServiceKit

/// `zocod payments`: a payment provider to try things on.
struct PaymentsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "payments",
    abstract: "Serve a sandbox of a payment provider over HTTP. It takes no money.",
    discussion: """
      It listens on PAYMENTS_HOST and PAYMENTS_PORT (0.0.0.0 and 8090) and remembers its payments until it ends. The \
      token of a charge says what comes of it: tok_ok, tok_declined, tok_slow (3 s), tok_flaky (503 twice for each \
      key), tok_lost (captures and drops the connection, the first time for each key).

      Example:
        PAYMENTS_PORT=8090 zocod payments
      """)

  func run() async throws {
    try await Exit.explaining {
      let configuration = try PaymentsConfiguration(
        provider: EnvironmentVariablesProvider(), readFile: SecretFile.read)
      let environment = ServiceEnvironment.live(label: "payments", level: configuration.logLevel)
      let sandbox = PaymentsSandbox(environment: environment)
      try await ServiceProcess(
        name: "payments", handler: sandbox.handler, host: configuration.host, port: configuration.port,
        settingsPrefix: "PAYMENTS", shutdownTimeout: configuration.shutdownTimeout, environment: environment,
        work: {}, shutdown: { await sandbox.shutdown(deadline: $0) }
      ).run()
    }
  }
}
