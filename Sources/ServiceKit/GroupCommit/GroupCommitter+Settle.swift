import Seams

extension GroupCommitter {
  /// Commits a batch, and where it fails what can be saved of it, and answers every caller but those to put back.
  ///
  /// - Returns: the items to put back, in their order.
  /// - Throws: `CancellationError` when the lane's task is cancelled; the callers have their answer then, too.
  func settle(_ batch: [Waiter]) async throws -> [Waiter] {
    // A stack of parts: the earlier half of one that was taken apart lies on top, so that the order is kept.
    var parts = [batch]
    var putBack: [Waiter] = []
    while let part = parts.popLast() {
      do {
        switch try await commitWithRetries(part) {
        case .settled(let left): putBack.append(contentsOf: left)
        case .apart(let left):
          parts.append(Array(left[(left.count / 2)...]))
          parts.append(Array(left[..<(left.count / 2)]))
        }
      } catch {
        for waiter in putBack + part + parts.joined() { waiter.resolve(.failure(error)) }
        throw error
      }
    }
    return putBack
  }

  private enum Settlement {
    case settled(putBack: [Waiter])
    case apart([Waiter])
  }

  /// Throws only when the lane's task is cancelled: other failures go to the callers.
  private func commitWithRetries(_ part: [Waiter]) async throws -> Settlement {
    var attempt = 1
    while true {
      let now = clock.now
      let live = part.filter { $0.start(now: now) }
      guard let deadline = live.lazy.map({ $0.deadline }).max() else { return .settled(putBack: []) }
      let failure: any Error
      do {
        let answers = try await commit(
          GroupCommitBatch(
            items: live.map { $0.item }, putBack: live.reduce(0) { $0 + ($1.wasPutBack ? 1 : 0) }, deadline: deadline))
        precondition(answers.count == live.count, "a commit answered for \(answers.count) of \(live.count) items")
        return .settled(putBack: deliver(answers, to: live))
      } catch {
        failure = error
      }
      try Task.checkCancellation()
      // Who has no time for another attempt hears why this one failed.
      let failedAt = clock.now
      for waiter in live where waiter.deadline <= failedAt { waiter.resolve(.failure(failure)) }
      switch recovery(failure) {
      case .again where attempt < options.attempts, .againThenApart where attempt < options.attempts:
        let backoff = options.firstBackoff * (1 << min(attempt - 1, 6))
        try await clock.sleep(until: clock.now.advanced(by: entropy.jittered(backoff, spread: 0.5)), tolerance: nil)
        attempt += 1
      case .againThenApart where live.count > 1, .apart where live.count > 1:
        return .apart(live)
      default:
        for waiter in live { waiter.resolve(.failure(failure)) }
        return .settled(putBack: [])
      }
    }
  }

  /// Answers the callers, and returns those whose items are put back.
  private func deliver(_ answers: [GroupCommitAnswer<Outcome>], to waiters: [Waiter]) -> [Waiter] {
    var putBack: [Waiter] = []
    for (waiter, answer) in zip(waiters, answers) {
      switch answer {
      case .outcome(let outcome): waiter.resolve(.success(outcome))
      case .putBack:
        waiter.putBack()
        putBack.append(waiter)
      }
    }
    return putBack
  }
}
