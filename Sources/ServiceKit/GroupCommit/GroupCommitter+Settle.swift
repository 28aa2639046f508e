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
      var live: [Waiter] = []
      guard let batch = start(part, now: now, &live) else { return .settled(putBack: []) }
      let failure: any Error
      do {
        let answers = try await commit(batch)
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

  /// The batch of those of `part` whose callers still wait, which become `live`; `nil` when nobody does.
  ///
  /// One loop rather than a chain of maps: in generic code each of these would be made from scratch at run time.
  private func start(_ part: [Waiter], now: MonotonicInstant, _ live: inout [Waiter]) -> GroupCommitBatch<Item>? {
    var batch = GroupCommitBatch<Item>(items: [], putBack: 0, deadline: now)
    live.reserveCapacity(part.count)
    batch.items.reserveCapacity(part.count)
    for waiter in part where waiter.start(now: now) {
      live.append(waiter)
      batch.items.append(waiter.item)
      batch.deadline = max(batch.deadline, waiter.deadline)
      if waiter.wasPutBack { batch.putBack += 1 }
    }
    return live.isEmpty ? nil : batch
  }

  /// Answers the callers, and returns those whose items are put back.
  private func deliver(_ answers: [GroupCommitAnswer<Outcome>], to waiters: [Waiter]) -> [Waiter] {
    var putBack: [Waiter] = []
    for index in waiters.indices {
      switch answers[index] {
      case .outcome(let outcome): waiters[index].resolve(.success(outcome))
      case .putBack:
        waiters[index].putBack()
        putBack.append(waiters[index])
      }
    }
    return putBack
  }
}
