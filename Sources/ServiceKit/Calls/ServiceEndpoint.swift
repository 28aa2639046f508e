internal import FoundationEssentials
internal import Logging
internal import Seams

/// One endpoint of another service: makes calls with deadline, retries and a circuit breaker.
package struct ServiceEndpoint: Sendable {
  let name: String
  let peer: ServicePeer
  private let breaker: CircuitBreakerGate

  init(name: String, peer: ServicePeer) {
    self.name = name
    self.peer = peer
    breaker = CircuitBreakerGate(
      name: "\(peer.name).\(name)", options: peer.options.breaker, environment: peer.environment)
  }

  /// Makes a call, and makes it again after a failure when it is idempotent and the deadline leaves time for it.
  ///
  /// An attempt ends with its own time-out or with the call's deadline, whichever is earlier. A pause is as long as the
  /// policy or the service's `Retry-After` says, whichever is longer; when it would not end before the deadline, the
  /// call fails at once with what the last attempt met.
  ///
  /// - Throws: ``ServiceCallError``; `CancellationError`.
  package func call<Result: Sendable>(_ call: ServiceCall<Result>, _ context: CallContext) async throws -> Result {
    let clock = peer.environment.clock
    var error = ServiceCallError(
      .deadlineExceeded, "\(peer.name) \(name): the deadline had passed before it was asked", attempts: 0,
      mayHaveTakenEffect: false)
    while true {
      guard clock.now.duration(to: context.deadline) >= .milliseconds(1) else { throw error }
      let attempt = error.attempts + 1
      switch try await tryOnce(call, context, attempt, isConclusive: !error.mayHaveTakenEffect) {
      case .done(let result), .refused(let result): return result
      case .failed(var failure):
        failure.attempts = attempt
        failure.mayHaveTakenEffect = failure.mayHaveTakenEffect || error.mayHaveTakenEffect
        error = failure
      }
      guard call.isIdempotent, attempt < peer.options.retries.attempts, error.isWorthRetrying else { throw error }
      let nominal = peer.options.retries.pause(after: attempt, entropy: peer.environment.entropy)
      let end = clock.now.advanced(by: max(nominal, error.retryAfter ?? .zero))
      guard end < context.deadline else { throw error }
      try await clock.sleep(until: end, tolerance: nil)
    }
  }

  private func tryOnce<Result: Sendable>(
    _ call: ServiceCall<Result>, _ context: CallContext, _ attempt: Int, isConclusive: Bool
  ) async throws -> AttemptOutcome<Result> {
    let start = peer.environment.clock.now
    let permit: CircuitBreaker.Permit
    switch breaker.admit() {
    case .allowed(let given): permit = given
    case .refused(let retryAfter):
      let error = ServiceCallError(
        .circuitOpen, "\(peer.name) failed too often at \(name): it is not asked for a while", retryAfter: retryAfter)
      log(.failed(error) as AttemptOutcome<Result>, status: nil, context, attempt, start)
      return .failed(error)
    }
    var outcome = CircuitBreaker.Outcome.abandoned
    defer { breaker.record(outcome, permit) }
    var exchange = ServiceExchange(
      call: call, endpoint: name, peer: peer, context: context, isConclusive: isConclusive)
    let result = try await exchange.perform()
    outcome = result.forBreaker
    log(result, status: exchange.status, context, attempt, start)
    return result
  }

  private func log<Result>(
    _ outcome: AttemptOutcome<Result>, status: Int?, _ context: CallContext, _ attempt: Int, _ start: MonotonicInstant
  ) {
    let error: ServiceCallError? = if case .failed(let error) = outcome { error } else { nil }
    let environment = peer.environment
    var metadata: Logger.Metadata {
      var metadata: Logger.Metadata = [
        "service": .string(peer.name), "call": .string(name), "attempt": .stringConvertible(attempt),
        "durationMs": .stringConvertible(start.duration(to: environment.clock.now).inMilliseconds),
        "correlationId": .string(context.correlationId.canonicalText),
      ]
      if let status { metadata["status"] = .stringConvertible(status) }
      if let error { metadata["error"] = .string("\(error)") }
      return metadata
    }
    environment.logger.log(level: error == nil ? .info : .warning, "call attempt", metadata: metadata)
  }
}

/// How one attempt ended.
enum AttemptOutcome<Result: Sendable>: Sendable {
  case done(Result)
  case refused(Result)
  case failed(ServiceCallError)

  /// A service that says what is wrong with the request, or that there are too many, works.
  var forBreaker: CircuitBreaker.Outcome {
    switch self {
    case .done: .succeeded
    case .refused: .refused
    case .failed(let error):
      switch error.code {
      case .rejected, .rateLimited: .refused
      default: .failed
      }
    }
  }
}

extension ServiceCallError {
  /// Whether the same request may fare better in a while.
  fileprivate var isWorthRetrying: Bool { code != .rejected && code != .circuitOpen }
}
