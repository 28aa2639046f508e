internal import Synchronization

/// The answer that one caller waits for. Whoever comes first ends it: the connection's thread, or the caller's
/// cancellation.
final class Reply<Value: Sendable>: Sendable {
  private enum State {
    case open(UnsafeContinuation<Value, any Error>?)
    /// Ended before the caller began to wait.
    case early(Result<Value, any Error>)
    case ended
  }

  private let state = Mutex(State.open(nil))

  /// Ends the wait.
  ///
  /// - Returns: whether the caller gets `result`; `false` when it had been answered or had given up.
  @discardableResult
  func resume(_ result: Result<Value, any Error>) -> Bool {
    let (continuation, isTaken) = state.withLock { state -> (UnsafeContinuation<Value, any Error>?, Bool) in
      guard case .open(let continuation) = state else { return (nil, false) }
      state = continuation == nil ? .early(result) : .ended
      return (continuation, true)
    }
    continuation?.resume(with: result)
    return isTaken
  }

  /// Waits for the answer.
  ///
  /// - Throws: what it was ended with; `CancellationError` when the task is cancelled.
  func value() async throws -> Value {
    try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        let early = state.withLock { state -> Result<Value, any Error>? in
          if case .early(let result) = state {
            state = .ended
            return result
          }
          state = .open(continuation)
          return nil
        }
        if let early { continuation.resume(with: early) }
      }
    } onCancel: {
      resume(.failure(CancellationError()))
    }
  }
}
