import Seams
import Synchronization

extension GroupCommitter {
  /// One caller of `submit`: its item, and where to send the answer. Whoever resolves it first wins; the rest is
  /// ignored.
  final class Waiter: Sendable {
    let item: Item
    let keys: [Key]
    let deadline: MonotonicInstant
    private let state = Mutex(State())

    private struct State {
      var continuation: UnsafeContinuation<Outcome, any Error>?
      /// The answer that came before the continuation did.
      var early: Result<Outcome, any Error>?
      var isResolved = false
      var wasStarted = false
      var wasPutBack = false
    }

    init(item: Item, keys: [Key], deadline: MonotonicInstant) {
      self.item = item
      self.keys = keys
      self.deadline = deadline
    }

    var isResolved: Bool { state.withLock { $0.isResolved } }

    func install(_ continuation: UnsafeContinuation<Outcome, any Error>) {
      let early = state.withLock { state -> Result<Outcome, any Error>? in
        if let early = state.early { return early }
        state.continuation = continuation
        return nil
      }
      if let early { continuation.resume(with: early) }
    }

    func resolve(_ result: Result<Outcome, any Error>) {
      let continuation = state.withLock { state -> UnsafeContinuation<Outcome, any Error>? in
        guard !state.isResolved else { return nil }
        state.isResolved = true
        guard let continuation = state.continuation else {
          state.early = result
          return nil
        }
        state.continuation = nil
        return continuation
      }
      continuation?.resume(with: result)
    }

    /// Marks the item as started; `false` when its caller has an answer already or its deadline has passed.
    func start(now: MonotonicInstant) -> Bool {
      if deadline <= now {
        expire()
        return false
      }
      return state.withLock { state in
        guard !state.isResolved else { return false }
        state.wasStarted = true
        return true
      }
    }

    var wasPutBack: Bool { state.withLock { $0.wasPutBack } }

    /// Marks the item as put back: nothing was done for it.
    func putBack() {
      state.withLock { state in
        state.wasStarted = false
        state.wasPutBack = true
      }
    }

    func expire() {
      let wasStarted = state.withLock { $0.wasStarted }
      resolve(.failure(GroupCommitError.deadlineExceeded(wasStarted: wasStarted)))
    }
  }
}
