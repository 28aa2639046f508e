import FoundationEssentials
import HTTPLive
import HTTPTypes
import Payments
import Seams
import SeamsLive
import ServiceKit
import Testing

/// The payments sandbox as a process behind a socket: what its connections do is the system's.
@Suite("zocod payments", .timeLimit(.minutes(1)))
struct LiveSandboxTests {
  private static let settings = ["PAYMENTS_HOST": "127.0.0.1", "PAYMENTS_PORT": "0"]

  private static func context() -> CallContext {
    CallContext(deadline: LiveDatabase.soon(), correlationId: UUID())
  }

  /// Runs `body` with a client of a process of its own, which then ends as it should.
  private func with(
    _ body: @escaping @Sendable (HTTPPaymentProvider) async throws -> Void
  ) async throws {
    let transport = LiveHTTPTransport(clock: SystemMonotonicClock())
    let outcome: Result<Void, any Error>
    do {
      try await ZocodProcess.serving("payments", settings: Self.settings) { process, address in
        let peer = ServicePeer(
          name: HTTPPaymentProvider.serviceName, address: ServiceAddress(authority: "\(address)"),
          transport: transport, environment: .live, tokens: SharedSecretTokens(secret: Secret("integration")),
          options: ServicePeer.Options(retries: .never))
        try await body(HTTPPaymentProvider(peer: peer))
        process.terminate()
        let end = await process.end()
        #expect(end.status == 0, "\(end.log)")
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await transport.shutdown()
    try outcome.get()
  }

  @Test func aPaymentIsCapturedListedAndRefunded() async throws {
    try await with { provider in
      let charge = Charge(orderId: UUID(), amount: 4200, currency: "EUR", token: "tok_ok")
      let result = try await provider.charge(charge, idempotencyKey: "k", context: Self.context())
      guard case .captured(let id) = result else { throw ConformanceFailure("not captured: \(result)") }
      let captured = Payment(id: id, orderId: charge.orderId, amount: 4200, currency: "EUR", status: .captured)
      #expect(try await provider.payments(orderId: charge.orderId, context: Self.context()) == [captured])
      #expect(try await provider.refund(paymentId: id, context: Self.context()) == .refunded)
      let refunded = try await provider.payments(orderId: charge.orderId, context: Self.context())
      #expect(refunded.map(\.status) == [.refunded])
    }
  }

  @Test func aLostAnswerIsAConnectionThatBreaksAndTheSameKeyAnswersTheCapture() async throws {
    try await with { provider in
      let charge = Charge(orderId: UUID(), amount: 1, currency: "EUR", token: "tok_lost")
      let error = await #expect(throws: ServiceCallError.self) {
        try await provider.charge(charge, idempotencyKey: "k", context: Self.context())
      }
      #expect(error?.disposition == .ambiguous, "\(String(describing: error))")
      let payments = try await provider.payments(orderId: charge.orderId, context: Self.context())
      #expect(payments.count == 1)
      let again = try await provider.charge(charge, idempotencyKey: "k", context: Self.context())
      #expect(again == .captured(paymentId: payments[0].id))
    }
  }

  @Test func aPortInUseAndAFileThatIsMissingAreToldInWords() async throws {
    try await ZocodProcess.serving("payments", settings: Self.settings) { _, address in
      let second = try await ZocodProcess.run(
        ["payments"], settings: ["PAYMENTS_HOST": "127.0.0.1", "PAYMENTS_PORT": "\(address.port)"])
      #expect(second.status == 78, "\(second.log)")
      #expect(second.log.contains("  PAYMENTS_PORT: port \(address.port) is in use: "), "\(second.log)")
    }
    let seed = try await ZocodProcess.run(["seed"], settings: ["DATABASE_URL_FILE": "/nothing/here"])
    #expect(seed.status == 78)
    #expect(
      seed.log.contains(
        "  DATABASE_URL_FILE: the file \"/nothing/here\" cannot be read: there is no such file. Correct the path, or set "
          + "DATABASE_URL itself"), "\(seed.log)")
  }

  @Test func aRequestIsLoggedWithNumbersAsNumbersAndItsRouteOnlyWhereItHasOne() async throws {
    let transport = LiveHTTPTransport(clock: SystemMonotonicClock())
    try await ZocodProcess.serving("payments", settings: Self.settings) { process, address in
      for path in ["/health/live", "/nothing"] {
        let head = HTTPRequest(method: .get, scheme: "http", authority: "\(address)", path: path)
        _ = try await transport.send(HTTPRequestMessage(head: head), deadline: LiveDatabase.soon())
      }
      process.terminate()
      let log = await process.end().log
      let lines = log.split(separator: "\n").filter { $0.contains("\"request finished\"") }
      #expect(lines.count == 2, "\(log)")
      let number = /"durationMs":\d+\.\d{1,3}[,}]/
      #expect(lines.allSatisfy { $0.contains(number) && $0.contains(/"status":\d{3}[,}]/) }, "\(log)")
      #expect(lines.map { $0.contains("\"route\":\"/health/live\"") } == [true, false], "\(log)")
      #expect(lines.map { $0.contains("\"route\"") } == [true, false], "\(log)")
    }
    try await transport.shutdown()
  }

  @Test func aWrongSettingStopsItWithItsName() async throws {
    let end = try await ZocodProcess.run(["payments"], settings: ["PAYMENTS_PORT": "http"])
    #expect(end.status == 78 && end.log.contains("PAYMENTS_PORT"), "\(end.log)")
    let host = try await ZocodProcess.run(
      ["payments"], settings: ["PAYMENTS_PORT": "0", "PAYMENTS_HOST": "no-such-host.invalid"])
    #expect(host.status == 78 && host.log.contains("  PAYMENTS_HOST: cannot listen"), "\(host.log)")
  }
}
