internal import CLibPQ
package import Reactor
internal import Seams
internal import Synchronization

extension PostgresConnection: ReactorHandler {
  package func reactorDescriptorIsReady(_ reactor: Reactor) {
    let completion = state.withLock { state -> Completion? in
      guard let link = state.link else { return nil }
      if state.wantsWriting, !flush(&state, link) { return lose(&state, link) }
      let isAlive = link.consumeInput()
      if let completion = receive(&state, link) { return completion }
      return isAlive || state.link == nil ? nil : lose(&state, link)
    }
    completion?.resume()
  }

  /// Takes in every result that has arrived.
  private func receive(_ state: inout State, _ link: LibPQConnection) -> Completion? {
    // Asked also when no call is under way: it makes libpq read notices, such as why the server closes.
    while !link.isBusy, let call = state.call, !call.progress.isComplete {
      guard let result = link.nextResult() else {
        guard case .complete? = state.call?.progress.take(.end) else { continue }
        return completed(&state, link)
      }
      switch take(result, &state, link) {
      case .goOn: continue
      case .complete: return completed(&state, link)
      case .broken: return lose(&state, link)
      }
    }
    return nil
  }

  private enum Next { case goOn, complete, broken }

  private func take(_ result: LibPQResult, _ state: inout State, _ link: LibPQConnection) -> Next {
    let answer: PipelineProgress.Answer
    switch result.kind {
    case .success: answer = .success(committed: result.isCommit)
    case .skipped: answer = .skipped
    case .sync: answer = .sync
    case .failure:
      let error = result.error
      answer = .failure(
        error, isStalePlan: result.isStalePlan, isFatal: result.isFatal || error.code == .connectionLost)
    case .copy:
      // COPY needs a conversation that this seam does not have; only closing ends it.
      let error = SQLError(
        .server, sqlState: .featureNotSupported, message: "COPY FROM STDIN and COPY TO STDOUT are not supported")
      _ = state.call?.progress.take(.failure(error, isStalePlan: false, isFatal: true))
      return .broken
    }
    switch state.call?.progress.take(answer) {
    case .prepared(let statement): state.prepared.insert(statement)
    case .result: state.call?.answers.results.append(result)
    case .complete: return .complete
    case .some(.none), nil: break
    }
    return state.call?.progress.failure?.isFatal == true ? .broken : .goOn
  }

  /// Everything sent has been answered.
  func completed(_ state: inout State, _ link: LibPQConnection) -> Completion? {
    guard let call = state.call else { return nil }
    // Before the server has taken the request to cancel, it could still hit what comes next.
    if let cancellation = call.cancellation, !cancellation.requestHasReturned { return nil }
    guard link.exitPipelineMode() else { return lose(&state, link) }
    updateStatus(&state, link)
    guard state.status != .closed else { return lose(&state, link) }
    if let next = call.afterRollback { return rolledBack(call, next, &state, link) }
    guard let failure = call.progress.failure else {
      return finish(&state, call, .success(call.answers))
    }
    let mayRetry = retiresStalePlan(failure, call, &state)
    if mayRetry {
      state.call?.hasReprepared = true
      return state.status == .idle ? send(&state, link) : sendRollback(&state, link, then: .retry)
    }
    let error = self.error(of: failure, call)
    if call.isBatch, state.status != .idle { return sendRollback(&state, link, then: .fail(error)) }
    return finish(&state, call, .failure(error))
  }

  private func rolledBack(
    _ call: Call, _ next: Call.AfterRollback, _ state: inout State, _ link: LibPQConnection
  ) -> Completion? {
    guard call.progress.failure == nil, state.status == .idle else { return lose(&state, link) }
    switch next {
    case .fail(let error): return finish(&state, call, .failure(error))
    case .retry:
      state.call?.afterRollback = nil
      return send(&state, link)
    }
  }

  /// Forgets a prepared statement that no longer holds.
  ///
  /// - Returns: whether the work may be sent again: nothing of it has taken effect, and it was not inside a transaction
  ///   of the caller's.
  private func retiresStalePlan(_ failure: PipelineProgress.Failure, _ call: Call, _ state: inout State) -> Bool {
    guard failure.isStalePlan, let index = failure.statement, index < call.answers.statements.count else {
      return false
    }
    let isOnServer = failure.error.sqlState != "26000"
    state.prepared.remove(call.answers.statements[index], isOnServer: isOnServer)
    return !call.hasReprepared && call.startStatus == .idle && !call.progress.hasCommitted
      && call.cancellation == nil
  }

  private func error(of failure: PipelineProgress.Failure, _ call: Call) -> any Error {
    var error = failure.error
    if call.isBatch { error.batchIndex = failure.statement ?? call.answers.statements.indices.last }
    error.commitMayHaveTakenEffect = call.progress.mayHaveCommitted
    guard let cancellation = call.cancellation else { return error }
    switch cancellation.reason {
    case .task: return CancellationError()
    case .deadline:
      guard error.sqlState == .queryCanceled else { return error }
      var exceeded = SQLError(
        .deadlineExceeded, message: "the deadline passed and the server cancelled the statement",
        commitMayHaveTakenEffect: error.commitMayHaveTakenEffect, cause: error)
      exceeded.batchIndex = error.batchIndex
      return exceeded
    }
  }

  private func updateStatus(_ state: inout State, _ link: LibPQConnection) {
    state.status =
      switch link.transactionStatus {
      case PQTRANS_IDLE: .idle
      case PQTRANS_INTRANS: .inTransaction
      case PQTRANS_INERROR: .inFailedTransaction
      default: .closed
      }
  }

  private func finish(_ state: inout State, _ call: Call, _ result: Result<Answers, any Error>) -> Completion {
    state.call = nil
    return Completion(continuation: call.continuation, result: result)
  }
}
