package import FoundationEssentials
import Seams
package import ServiceKit
import SimulationKernel
import Synchronization

/// What a call came to against a ``FixtureTransport``, on virtual time.
package struct Play<Value: Sendable>: Sendable {
  /// What it returned.
  package var value: Value?
  /// What it threw.
  package var error: ServiceCallError?
  /// The requests.
  package var sent: [FixtureTransport.Sent]
  /// What was logged.
  package var lines: [KeptLog.Line]
  /// How long it took.
  package var duration: Duration

  /// The times between the starts of attempts.
  package var pauses: [Duration] { zip(sent, sent.dropFirst()).map { $1.at - $0.at } }
}

/// The correlation id of every played call.
package let playedCorrelationId = UUID(high: 1, low: 2)

/// Makes a call of the service `shop` that meets `turns`.
package func play<Value: Sendable>(
  seed: UInt64 = 1, _ turns: [FixtureTransport.Turn], deadline: Duration = .seconds(60),
  options: ServicePeer.Options = ServicePeer.Options(),
  _ call: @escaping @Sendable (ServicePeer, CallContext) async throws -> Value
) -> Play<Value> {
  let played = Mutex<Play<Value>?>(nil)
  let kernel = SimulationKernel(seed: seed)
  let outcome = kernel.run { process in
    let log = KeptLog()
    let environment = ServiceEnvironment(
      clock: process.clock, wallClock: process.wallClock, entropy: process.entropy, logger: log.logger)
    let transport = FixtureTransport(clock: process.clock, turns)
    let peer = ServicePeer(
      name: "shop", address: ServiceAddress(authority: "shop:80"), transport: transport, environment: environment,
      tokens: SharedSecretTokens(secret: Secret("s3cret")), options: options)
    let context = CallContext(
      deadline: process.clock.now.advanced(by: deadline), correlationId: playedCorrelationId)
    var value: Value?
    var error: ServiceCallError?
    do {
      value = try await call(peer, context)
    } catch let failure as ServiceCallError {
      error = failure
    }
    let end = Play(
      value: value, error: error, sent: transport.sent, lines: log.lines,
      duration: .nanoseconds(process.clock.now.nanoseconds))
    played.withLock { $0 = end }
  }
  precondition(outcome == .finished && kernel.reap().isEmpty, "the call did not end: \(outcome)")
  guard let end = played.withLock({ $0 }) else { preconditionFailure("the call has no end") }
  return end
}
