import CallFixtures
import FoundationEssentials
import Seams
import ServiceKit
import Testing

@Suite struct ServiceBreakerTests {
  /// Runs `body` with two endpoints of one service and what to call them with.
  private func withEndpoints(
    _ turns: [FixtureTransport.Turn],
    _ body: @escaping @Sendable ([ServiceEndpoint], FixtureTransport, ServiceEnvironment) async throws -> Void
  ) {
    simulate { environment in
      let transport = FixtureTransport(clock: environment.clock, turns)
      let options = ServicePeer.Options(
        retries: .never, breaker: CircuitBreaker.Options(minimumRequests: 4, openTime: .seconds(10), probes: 1))
      let peer = ServicePeer(
        name: "shop", address: ServiceAddress(authority: "shop:80"), transport: transport, environment: environment,
        tokens: SharedSecretTokens(secret: Secret("s")), options: options)
      try await body([peer.endpoint("buy"), peer.endpoint("look")], transport, environment)
    }
  }

  /// The code of the error that a call throws, or its value.
  private static func outcome(_ endpoint: ServiceEndpoint, _ environment: ServiceEnvironment) async throws -> String {
    do {
      return try await endpoint.call(
        ServiceEndpointTests.buy(),
        CallContext(deadline: environment.after(.seconds(30)), correlationId: UUID(high: 1, low: 2)))
    } catch let error as ServiceCallError {
      if error.code == .circuitOpen { #expect(error.disposition == .retryable && error.retryAfter != nil) }
      return error.code.description
    }
  }

  @Test func itOpensRefusesAtOnceProbesAndCloses() {
    let failure = FixtureTransport.Turn.answer(500, "")
    withEndpoints([failure, failure, failure, failure, failure, ServiceEndpointTests.fine]) {
      endpoints, transport, environment in
      for _ in 0..<4 { #expect(try await Self.outcome(endpoints[0], environment) == "server_failed") }
      let opened = environment.clock.now
      #expect(try await Self.outcome(endpoints[0], environment) == "circuit_open")
      #expect(environment.clock.now == opened && transport.sent.count == 4)
      try await environment.sleep(.seconds(10))
      #expect(try await Self.outcome(endpoints[0], environment) == "server_failed")
      #expect(try await Self.outcome(endpoints[0], environment) == "circuit_open")
      try await environment.sleep(.seconds(10))
      for _ in 0..<3 { #expect(try await Self.outcome(endpoints[0], environment) == "yes") }
    }
  }

  @Test func eachEndpointHasItsOwn() {
    let failure = FixtureTransport.Turn.fails(.connectionReset)
    withEndpoints([failure, failure, failure, failure, ServiceEndpointTests.fine]) {
      endpoints, _, environment in
      var outcomes: [String] = []
      for _ in 0..<5 { outcomes.append(try await Self.outcome(endpoints[0], environment)) }
      #expect(outcomes == Array(repeating: "connection_lost", count: 4) + ["circuit_open"])
      #expect(try await Self.outcome(endpoints[1], environment) == "yes")
    }
  }

  @Test(arguments: [FixtureTransport.Turn.problem(409, "sold_out"), .answer(400, ""), .answer(429, "")])
  func whatAWorkingServiceSaysOpensNothing(turn: FixtureTransport.Turn) {
    withEndpoints([turn]) { endpoints, transport, environment in
      for _ in 0..<50 { _ = try await Self.outcome(endpoints[0], environment) }
      #expect(transport.sent.count == 50)
    }
  }

  @Test func aCallThatIsCancelledSaysNothing() {
    withEndpoints([.silence]) { endpoints, transport, environment in
      for _ in 0..<10 {
        await withTaskGroup(of: Void.self) { group in
          group.addTask { _ = try? await Self.outcome(endpoints[0], environment) }
          group.addTask { try? await environment.sleep(.seconds(1)) }
          await group.next()
          group.cancelAll()
          await group.waitForAll()
        }
      }
      #expect(transport.sent.count == 10)
    }
  }

  @Test func aChangeIsLoggedOnce() {
    let options = ServicePeer.Options(breaker: CircuitBreaker.Options(minimumRequests: 2))
    let end = ServiceEndpointTests.call([.answer(500, "")], options: options)
    #expect(end.error?.code == .circuitOpen && end.error?.disposition == .ambiguous && end.sent.count == 2)
    let changes = end.lines.filter { $0.message == "circuit breaker changed" }
    #expect(changes.count == 1 && changes.first?.level == "warning")
    #expect(changes.first?.metadata == ["call": "shop.buy", "from": "closed", "to": "open"])
    #expect(end.lines.last?.metadata["error"]?.hasPrefix("circuit_open") == true)
  }
}
