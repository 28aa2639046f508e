package import Seams
internal import Synchronization

/// Counts the requests under way, so that a service that goes down finishes them and takes no new ones.
package final class GracefulDrain: Sendable {
  private struct State {
    var inFlight = 0
    var isDraining = false
    var waiter: UnsafeContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  /// A drain that lets requests in.
  package init() {}

  /// How many requests are under way.
  package var inFlight: Int { state.withLock { $0.inFlight } }

  /// Whether new requests are refused.
  package var isDraining: Bool { state.withLock { $0.isDraining } }

  /// Counts a request in; `false` when the service is going down and takes none.
  package func enter() -> Bool {
    state.withLock { state in
      guard !state.isDraining else { return false }
      state.inFlight += 1
      return true
    }
  }

  /// Counts a request out.
  package func leave() {
    let waiter = state.withLock { state -> UnsafeContinuation<Void, Never>? in
      precondition(state.inFlight > 0, "a request left that had not entered")
      state.inFlight -= 1
      guard state.inFlight == 0 else { return nil }
      return state.waiter.take()
    }
    waiter?.resume()
  }

  /// Refuses new requests from now on and waits for those under way.
  ///
  /// - Returns: how many were still under way when `deadline` passed or the task was cancelled; 0 when all finished.
  package func drain(until deadline: MonotonicInstant, clock: any MonotonicClock) async -> Int {
    state.withLock { $0.isDraining = true }
    do {
      try await withDeadline(deadline, clock: clock) { await self.waitUntilIdle() }
    } catch {
      return inFlight
    }
    return inFlight
  }

  private func waitUntilIdle() async {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let isDone = state.withLock { state in
          if state.inFlight == 0 || Task.isCancelled { return true }
          precondition(state.waiter == nil, "one task drains at a time")
          state.waiter = continuation
          return false
        }
        if isDone { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiter.take() }?.resume()
    }
  }
}
