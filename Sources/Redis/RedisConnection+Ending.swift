internal import DequeModule
package import Reactor
internal import Seams
internal import Synchronization

extension RedisConnection {
  package func reactorTimerHasFired(_ reactor: Reactor) {
    finish(
      state.withLock { state in
        state.armedTimer = .max
        guard state.socket != nil else { return [] }
        let now = Reactor.now
        var completions: [Completion] = []
        var next = Int64.max
        for index in state.calls.indices {
          let call = state.calls[index]
          guard call.deadline <= now else {
            next = min(next, call.deadline)
            continue
          }
          state.isLeft = true
          state.calls[index].deadline = .max
          guard let continuation = state.calls[index].continuation.take() else { continue }
          let error = CacheError(
            .deadlineExceeded, message: "no answer from Redis before the deadline", mayHaveTakenEffect: call.writes)
          completions.append(Completion(continuation, .failure(error)))
        }
        arm(&state, next)
        return completions + closeIfDone(&state)
      })
  }

  /// The task of a call was cancelled: it waits no more. The connection stays, but is left when even then no answer comes
  /// before the deadline that the call had.
  func cancel(_ number: UInt64) {
    finish(
      state.withLock { state in
        guard let index = state.calls.firstIndex(where: { $0.number == number }),
          let continuation = state.calls[index].continuation.take()
        else { return [] }
        return [Completion(continuation, .failure(CancellationError()))]
      })
  }

  /// Closes a connection that was left, once nobody waits for anything on it.
  func closeIfDone(_ state: inout State) -> [Completion] {
    guard state.isLeft, !state.calls.contains(where: { $0.continuation != nil }) else { return [] }
    return end(&state, because: "the connection was closed because a command was not answered in time") { _ in
      CancellationError()
    }
  }

  /// The connection broke.
  func lose(_ state: inout State, _ why: String, _ code: CacheError.Code = .connectionLost) -> [Completion] {
    end(&state, because: "the connection was lost: \(why)") { call in
      CacheError(code, message: why, mayHaveTakenEffect: call.writes)
    }
  }

  /// Closes the connection and fails what is under way.
  func end(_ state: inout State, because reason: String, _ error: (Call) -> any Error) -> [Completion] {
    guard let socket = state.socket else { return [] }
    if let registration = state.registration { reactor.deregister(registration, socket.descriptor) }
    state.registration = nil
    state.socket = nil
    state.closeReason = reason
    state.output = []
    let calls = state.calls
    state.calls = []
    return calls.compactMap { call in call.continuation.map { Completion($0, .failure(error(call))) } }
  }
}
