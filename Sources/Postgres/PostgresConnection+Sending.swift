internal import Reactor
internal import Seams
internal import Synchronization

extension PostgresConnection {
  /// Starts a call. Runs on the caller's thread.
  ///
  /// - Returns: the answer, when there is one at once.
  func begin(_ work: Work, deadline: MonotonicInstant, _ continuation: Continuation) -> Completion? {
    let left = deadline == .distantFuture ? .max : deadline.nanoseconds &- clock.now.nanoseconds
    return state.withLock { state in
      precondition(state.call == nil, "a second call on a connection that is still busy with the first")
      guard let link = state.link else {
        return refuse(continuation, SQLError(.connectionClosed, message: state.closeReason))
      }
      guard left > 0 else {
        return refuse(continuation, SQLError(.deadlineExceeded, message: "the deadline had passed before the call"))
      }
      if case .statements(let statements, _) = work, let error = PostgresConnection.unsendable(statements) {
        return refuse(continuation, error)
      }
      let now = left == .max ? 0 : Reactor.now
      state.call = Call(
        work: work, continuation: continuation, deadline: left == .max ? .max : now &+ left,
        startStatus: state.status, progress: PipelineProgress(steps: [.sync], commits: CommitPoints()))
      return send(&state, link)
    }
  }

  /// Sends the work of the call, from its start.
  func send(_ state: inout State, _ link: LibPQConnection) -> Completion? {
    guard let call = state.call else { preconditionFailure("there is nothing to send") }
    let isSent: Bool
    switch call.work {
    case .script(let text):
      let isIdle = call.startStatus == .idle
      let commits = CommitPoints(explicit: StatementKind.scriptCommits(text) ? [0] : [], implicit: isIdle)
      state.call?.progress = PipelineProgress(steps: [.script], commits: commits)
      isSent = link.sendQuery(text)
    case .statements(let statements, _):
      isSent = sendPipeline(statements, &state, link)
    }
    return finishSending(isSent, &state, link)
  }

  /// Sends the ROLLBACK of a failed batch, and waits for it no longer than the grace.
  func sendRollback(_ state: inout State, _ link: LibPQConnection, then next: Call.AfterRollback) -> Completion? {
    state.call?.afterRollback = next
    state.call?.progress = PipelineProgress(steps: [.script], commits: CommitPoints())
    state.call?.deadline = Reactor.now + limits.grace
    return finishSending(link.sendQuery("ROLLBACK"), &state, link)
  }

  private func finishSending(_ isSent: Bool, _ state: inout State, _ link: LibPQConnection) -> Completion? {
    guard isSent, flush(&state, link) else { return lose(&state, link) }
    armTimer(&state)
    return nil
  }

  private func sendPipeline(_ statements: [SQLStatement], _ state: inout State, _ link: LibPQConnection) -> Bool {
    guard link.enterPipelineMode() else { return false }
    var steps: [PipelineProgress.Step] = []
    steps.reserveCapacity(statements.count + 2)
    // A failed transaction takes no DEALLOCATE. The sync keeps it apart from the work, which may be a statement that
    // tolerates no company in its transaction.
    if state.status != .inFailedTransaction, !state.prepared.discarded.isEmpty {
      for name in state.prepared.takeDiscarded() {
        guard link.sendUnprepared("DEALLOCATE \(name)") else { return false }
        steps.append(.deallocate)
      }
      guard link.sendSync() else { return false }
      steps.append(.sync)
    }
    var prepared: [PreparedStatement] = []
    prepared.reserveCapacity(statements.count)
    var fresh: [String: PreparedStatement] = [:]
    for (index, statement) in statements.enumerated() {
      let known: PreparedStatement
      if let cached = state.prepared.find(statement.text) ?? fresh[statement.text] {
        known = cached
      } else {
        known = state.prepared.make(statement.text)
        if statements.count > 1 { fresh[statement.text] = known }
        guard link.sendPrepare(name: known.name, text: known.text) else { return false }
        steps.append(.prepare(known, statement: index))
      }
      state.parameters.fill(statement.parameters)
      guard link.sendExecute(name: known.name, state.parameters) else { return false }
      steps.append(.execute(statement: index))
      prepared.append(known)
    }
    steps.append(.sync)
    let commits = CommitPoints(prepared.lazy.map(\.kind), from: state.status)
    state.call?.progress = PipelineProgress(steps: steps, commits: commits)
    state.call?.answers = Answers(statements: prepared, results: [])
    state.call?.answers.results.reserveCapacity(prepared.count)
    return link.sendSync()
  }

  /// Gives the socket what it takes; the reactor gives it the rest.
  ///
  /// - Returns: `false` when the connection broke.
  func flush(_ state: inout State, _ link: LibPQConnection) -> Bool {
    let isPending: Bool
    switch link.flush() {
    case .done: isPending = false
    case .pending: isPending = true
    case .failed: return false
    }
    if isPending != state.wantsWriting, let registration = state.registration {
      state.wantsWriting = isPending
      reactor.watch(registration, link.socket, writing: isPending)
    }
    return true
  }

  /// Makes sure that the reactor calls by the call's deadline. It may call sooner, for a deadline that is no more: most
  /// calls need no timer of their own.
  func armTimer(_ state: inout State) {
    guard let deadline = state.call?.deadline, deadline < state.armedTimer, let registration = state.registration
    else { return }
    state.armedTimer = deadline
    reactor.setTimer(registration, at: deadline)
  }

  private func refuse(_ continuation: Continuation, _ error: SQLError) -> Completion {
    Completion(continuation: continuation, result: .failure(error))
  }

  /// What libpq would cut short or refuse: found before anything is sent, with the code PostgreSQL has for it.
  private static func unsendable(_ statements: [SQLStatement]) -> SQLError? {
    for (index, statement) in statements.enumerated() {
      var error: SQLError?
      if statement.parameters.count > 65_535 {
        error = SQLError(
          .server, sqlState: "54023", message: "\(statement.parameters.count) parameters; at most 65535 are allowed")
      } else if statement.text.utf8.contains(0) || statement.parameters.contains(where: ParameterBuffer.hasNUL) {
        error = SQLError(
          .server, sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00")
      }
      if statements.count > 1 { error?.batchIndex = index }
      if let error { return error }
    }
    return nil
  }
}
