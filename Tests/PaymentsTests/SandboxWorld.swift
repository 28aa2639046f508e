import FoundationEssentials
import HTTPTypes
import Logging
import NIOCore
import Payments
import Seams
import ServiceKit
import SimulatedNetwork
import SimulationKernel
import Testing

/// The sandbox behind a simulated network, and a client of it.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class SandboxWorld: @unchecked Sendable {
  let kernel: SimulationKernel
  let network: Network
  /// The sandbox's disk: it outlives crashes.
  let store = InMemoryPaymentStore()
  let server: SimulatedHost

  init(seed: UInt64 = 1) {
    kernel = SimulationKernel(seed: seed)
    network = Network(kernel: kernel, defaultLatency: .constant(.milliseconds(1)))
    server = kernel.host("payments")
  }

  /// Runs `body` with a client of the sandbox.
  func run(
    options: ServicePeer.Options = ServicePeer.Options(), _ body: @escaping @Sendable (Client) async throws -> Void
  ) {
    let (network, store) = (network, store)
    server.boot { process in
      let sandbox = PaymentsSandbox(environment: process.serviceEnvironment, store: store)
      network.listen(process, port: 8090, handler: sandbox.handler)
    }
    let outcome = kernel.run { process in
      let transport = SimulatedHTTPTransport(process: process, network: network)
      let peer = ServicePeer(
        name: HTTPPaymentProvider.serviceName, address: ServiceAddress(authority: "payments:8090"),
        transport: transport, environment: process.serviceEnvironment,
        tokens: SharedSecretTokens(secret: Secret("s")), options: options)
      try await body(Client(process: process, transport: transport, provider: HTTPPaymentProvider(peer: peer)))
    }
    #expect(outcome == .finished)
    #expect(kernel.reap().isEmpty)
  }

  struct Client: Sendable {
    let process: SimulatedProcess
    let transport: SimulatedHTTPTransport
    let provider: HTTPPaymentProvider

    func context(_ deadline: Duration = .seconds(30)) -> CallContext {
      CallContext(deadline: process.clock.now.advanced(by: deadline), correlationId: UUID(high: 1, low: 2))
    }

    func charge(
      _ token: String, key: String = "key", order: UUID = order(1), amount: Int = 1999
    ) async throws -> ChargeResult {
      try await provider.charge(
        Charge(orderId: order, amount: amount, currency: "EUR", token: token), idempotencyKey: key, context: context())
    }

    /// One request as it stands, for what the provider's client never sends.
    func send(
      _ method: HTTPRequest.Method, _ path: String, _ body: String = "", fields: HTTPFields = [:]
    ) async throws -> (status: Int, json: JSONValue, fields: HTTPFields) {
      var fields = fields
      if !body.isEmpty { fields[.contentType] = "application/json" }
      let response = try await transport.send(
        HTTPRequestMessage(
          head: HTTPRequest(
            method: method, scheme: "http", authority: "payments:8090", path: path, headerFields: fields),
          body: .bytes(ByteBuffer(string: body))), deadline: context().deadline)
      let json = try StrictJSON.parse(try await response.body.collect(upTo: 1 << 20))
      return (response.head.status.code, json, response.head.headerFields)
    }
  }
}

func order(_ number: Int) -> UUID { UUID(high: 0x0d00_0000_0000_4000, low: 0x8000_0000_0000_0000 | UInt64(number)) }

extension SimulatedProcess {
  var serviceEnvironment: ServiceEnvironment {
    ServiceEnvironment(
      clock: clock, wallClock: wallClock, entropy: entropy,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}
