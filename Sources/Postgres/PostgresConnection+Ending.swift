package import Reactor
internal import Seams
internal import Synchronization

extension PostgresConnection {
  package func reactorTimerHasFired(_ reactor: Reactor) {
    let completion = state.withLock { state -> Completion? in
      state.armedTimer = .max
      guard let call = state.call else { return nil }
      guard call.deadline <= Reactor.now else {
        armTimer(&state)
        return nil
      }
      if call.cancellation != nil || call.afterRollback != nil { return giveUp(&state) }
      return cancel(&state, .deadline)
    }
    completion?.resume()
  }

  /// Cancels the call under way, if any, because its task was cancelled.
  func cancelForTask() {
    let completion = state.withLock { state -> Completion? in
      // The ROLLBACK of a batch is bounded and leaves the connection of use: it is not cut short.
      guard let call = state.call, call.cancellation == nil, call.afterRollback == nil else { return nil }
      return cancel(&state, .task)
    }
    completion?.resume()
  }

  /// Asks the server to cancel, and gives it the grace to answer.
  private func cancel(_ state: inout State, _ reason: Call.Reason) -> Completion? {
    state.call?.cancellation = Call.Cancellation(reason: reason)
    state.call?.deadline = Reactor.now + limits.grace
    guard let canceller else { return giveUp(&state) }
    let started = HelperThread.start { [self] in
      let wasReached = canceller.cancel()
      cancelHasReturned(wasReached)
    }
    guard started else { return giveUp(&state) }
    armTimer(&state)
    return nil
  }

  private func cancelHasReturned(_ wasReached: Bool) {
    let completion = state.withLock { state -> Completion? in
      guard let link = state.link, state.call?.cancellation != nil else { return nil }
      state.call?.cancellation?.requestHasReturned = true
      guard wasReached else { return giveUp(&state) }
      return state.call?.progress.isComplete == true ? completed(&state, link) : nil
    }
    completion?.resume()
  }

  /// The answer to a cancellation, or to the ROLLBACK after a failure, did not come in time.
  private func giveUp(_ state: inout State) -> Completion? {
    end(&state, because: "the connection was closed because a cancelled statement was not answered") { call in
      if case .fail(let error)? = call.afterRollback { return error }
      guard call.cancellation?.reason != .task else { return CancellationError() }
      return SQLError(
        .deadlineExceeded, message: "the deadline passed and the connection was closed",
        commitMayHaveTakenEffect: call.progress.mayHaveCommitted)
    }
  }

  /// The connection broke, or the server said that it closes it.
  func lose(_ state: inout State, _ link: LibPQConnection) -> Completion? {
    let message = link.lastNotice ?? link.errorMessage
    let reason = state.call?.progress.failure?.error.message ?? message
    return end(&state, because: "the connection was lost: \(reason)") { call in
      if case .fail(let error)? = call.afterRollback { return error }
      if call.cancellation?.reason == .task { return CancellationError() }
      var error = call.progress.failure?.error ?? SQLError(.connectionLost, message: message)
      if call.isBatch { error.batchIndex = call.progress.failure?.statement }
      error.commitMayHaveTakenEffect = call.progress.mayHaveCommitted
      return error
    }
  }

  /// Closes the connection. `PQfinish` of a non-blocking connection sends its farewell if the socket takes it and never
  /// waits.
  func end(_ state: inout State, because reason: String, _ error: (Call) -> any Error) -> Completion? {
    guard let link = state.link else { return nil }
    if let registration = state.registration { reactor.deregister(registration, link.socket) }
    state.link = nil
    state.status = .closed
    state.closeReason = reason
    guard let call = state.call else { return nil }
    state.call = nil
    return Completion(continuation: call.continuation, result: .failure(error(call)))
  }
}
