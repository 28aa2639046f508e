internal import Synchronization

/// A call that blocks, made on a helper thread while its caller waits no longer than a deadline, whatever the thread is
/// stuck in.
package final class HelperCall<Value: Sendable>: ReactorHandler {
  private struct State {
    var continuation: UnsafeContinuation<Value, any Error>?
    var isOver = false
    var registration: Reactor.Registration?
  }

  /// What the body waits with: it is rung when the caller has gone.
  package let alarm = AlarmDescriptor()
  /// On the reactor's time line; `Int64.max` for none.
  package let deadline: Int64
  private let reactor: Reactor
  private let expired: @Sendable () -> any Error
  private let discard: @Sendable (Value) -> Void
  private let state = Mutex(State())

  private init(
    reactor: Reactor, deadline: Int64, expired: @escaping @Sendable () -> any Error,
    discard: @escaping @Sendable (Value) -> Void
  ) {
    self.reactor = reactor
    self.deadline = deadline
    self.expired = expired
    self.discard = discard
  }

  /// Runs `body` on a helper thread and waits for its result.
  ///
  /// - Parameters:
  ///   - deadline: of ``Reactor/now``; `Int64.max` for none.
  ///   - exhausted: the error when the system has no thread left.
  ///   - expired: the error when the deadline has passed.
  ///   - discard: gets a value that came when nobody waited for it any more.
  /// - Throws: what `body` failed with; `CancellationError` when the task is cancelled.
  package static func run(
    reactor: Reactor, deadline: Int64, exhausted: any Error, expired: @escaping @Sendable () -> any Error,
    discard: @escaping @Sendable (Value) -> Void,
    _ body: @escaping @Sendable (HelperCall<Value>) -> Result<Value, any Error>
  ) async throws -> Value {
    let call = HelperCall(reactor: reactor, deadline: deadline, expired: expired, discard: discard)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { call.start($0, exhausted, body) }
    } onCancel: {
      call.finish(.failure(CancellationError()))
    }
  }

  /// Whether nobody waits any more.
  package var isOver: Bool { state.withLock { $0.isOver } }

  /// When an equal share of the time left ends for each of `parts` hosts not yet tried, so that a dead one leaves time
  /// for the others.
  package func share(among parts: Int) -> Int64 {
    guard deadline != .max else { return .max }
    let now = Reactor.now
    return now + max(0, deadline - now) / Int64(max(1, parts))
  }

  package func reactorDescriptorIsReady(_ reactor: Reactor) {}

  package func reactorTimerHasFired(_ reactor: Reactor) { finish(.failure(expired())) }

  private func start(
    _ continuation: UnsafeContinuation<Value, any Error>, _ exhausted: any Error,
    _ body: @escaping @Sendable (HelperCall<Value>) -> Result<Value, any Error>
  ) {
    let isOver = state.withLock { state in
      if !state.isOver { state.continuation = continuation }
      return state.isOver
    }
    if isOver { return continuation.resume(throwing: CancellationError()) }
    guard HelperThread.start({ self.finish(body(self)) }) else { return finish(.failure(exhausted)) }
    guard deadline != .max else { return }
    state.withLock { state in
      guard !state.isOver else { return }
      let registration = reactor.register(alarm.descriptor, handler: self)
      state.registration = registration
      reactor.setTimer(registration, at: deadline)
    }
  }

  private func finish(_ result: Result<Value, any Error>) {
    let continuation = state.withLock { state in
      state.isOver = true
      if let registration = state.registration { reactor.deregister(registration, alarm.descriptor) }
      state.registration = nil
      return state.continuation.take()
    }
    alarm.ring()
    guard let continuation else {
      if case .success(let value) = result { discard(value) }
      return
    }
    continuation.resume(with: result)
  }
}
