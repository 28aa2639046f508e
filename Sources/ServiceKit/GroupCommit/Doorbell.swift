import Synchronization

/// Wakes one waiting task. A ring that nobody waits for is kept for the next wait; several are kept as one.
package final class Doorbell: Sendable {
  private enum State {
    case silent
    case rung
    case waiting(UnsafeContinuation<Void, Never>)
  }

  private let state = Mutex(State.silent)

  /// A bell that has not rung.
  package init() {}

  /// Wakes the waiter, or lets the next wait return at once.
  package func ring() {
    let waiter = state.withLock { state -> UnsafeContinuation<Void, Never>? in
      guard case .waiting(let continuation) = state else {
        state = .rung
        return nil
      }
      state = .silent
      return continuation
    }
    waiter?.resume()
  }

  /// Waits for a ring. One task at a time.
  ///
  /// - Throws: `CancellationError` when the task is cancelled.
  package func wait() async throws {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        let mustResume = state.withLock { state -> Bool in
          switch state {
          case .rung:
            state = .silent
            return true
          case .silent:
            state = .waiting(continuation)
            return false
          case .waiting:
            preconditionFailure("two tasks wait at one doorbell")
          }
        }
        if mustResume { continuation.resume() }
      }
    } onCancel: {
      // A cancelled task finds the ring, whether it waits already or is about to.
      ring()
    }
    try Task.checkCancellation()
  }
}
