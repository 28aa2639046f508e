internal import Logging
internal import Seams
internal import Synchronization

/// The circuit breaker of one endpoint: shares a ``CircuitBreaker`` among tasks, tells it the time and logs its changes.
final class CircuitBreakerGate: Sendable {
  private let name: String
  private let environment: ServiceEnvironment
  private let breaker: Mutex<CircuitBreaker>

  /// A closed breaker of the endpoint `name`.
  init(name: String, options: CircuitBreaker.Options, environment: ServiceEnvironment) {
    self.name = name
    self.environment = environment
    breaker = Mutex(CircuitBreaker(options: options))
  }

  /// Decides on a call, whose end must be recorded when it is allowed.
  func admit() -> CircuitBreaker.Decision {
    change { breaker, now in breaker.admit(now: now) }
  }

  /// Notes how a call ended.
  func record(_ outcome: CircuitBreaker.Outcome, _ permit: CircuitBreaker.Permit) {
    change { breaker, now in breaker.record(outcome, permit, now: now) }
  }

  private func change<Result: Sendable>(
    _ body: (inout CircuitBreaker, MonotonicInstant) -> Result
  ) -> Result {
    let now = environment.clock.now
    let (result, before, after) = breaker.withLock { breaker in
      let before = breaker.phase
      let result = body(&breaker, now)
      return (result, before, breaker.phase)
    }
    if before != after {
      environment.logger.log(
        level: after == .open ? .warning : .notice, "circuit breaker changed",
        metadata: [
          "call": .string(name), "from": .string(before.rawValue), "to": .string(after.rawValue),
        ])
    }
    return result
  }
}
