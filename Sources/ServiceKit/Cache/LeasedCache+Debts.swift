internal import Logging
package import Seams
internal import Synchronization

extension LeasedCache {
  /// The most keys of one command.
  private static let batch = 500

  /// Sends what is owed, and opens a connection again with more patience than a request has, until the task is
  /// cancelled.
  ///
  /// - Throws: `CancellationError`; what the clock throws.
  package func run() async throws {
    state.withLock { $0.isSuspect = true }
    while true {
      let now = environment.clock.now
      if try await settle(by: now.advanced(by: options.patience)) { continue }
      let (isSuspect, nextDue) = state.withLock { ($0.isSuspect, $0.nextDue) }
      let wake = isSuspect ? now.advanced(by: options.retryInterval) : nextDue ?? .distantFuture
      if isSuspect {
        // Debts that are due could not be paid, either.
        try await environment.clock.sleep(until: wake, tolerance: nil)
      } else {
        do {
          try await withDeadline(wake, clock: environment.clock) { [bell] in try await bell.wait() }
        } catch is DeadlineExceeded {
          // Something is due.
        }
      }
    }
  }

  /// Sends what is due before the service ends, until `deadline`.
  package func finish(by deadline: MonotonicInstant) async {
    // What is due later is about commits that may be under way. It is sent now, since nobody will send it then.
    while state.withLock({ $0.isInDebt }), environment.clock.now < deadline {
      let now = environment.clock.now
      let debts = state.withLock { $0.takeDue(at: .distantFuture, now: now, limit: Self.batch) }
      guard !debts.isEmpty, await send(debts.map(\.key), by: deadline) else { return }
    }
  }

  /// Sends one batch of what is due, or asks whether the cache is back.
  ///
  /// - Returns: whether there was something to do and the cache has done it.
  private func settle(by deadline: MonotonicInstant) async throws -> Bool {
    let start = environment.clock.now
    let (debts, isSuspect) = state.withLock { state in
      (state.takeDue(at: start, now: start, limit: Self.batch), state.isSuspect)
    }
    guard !debts.isEmpty || isSuspect else { return false }
    let isDone = await send(debts.map(\.key), by: deadline)
    let now = environment.clock.now
    state.withLock { state in
      state.isSuspect = !isDone
      for (key, debt) in debts {
        var debt = debt
        if isDone {
          guard let again = debt.repeatAt else { continue }
          debt.due = again
          debt.repeatAt = nil
        }
        if debt.until > now { state.owe([key], debt) }
      }
    }
    try Task.checkCancellation()
    return isDone
  }

  private func send(_ keys: [String], by deadline: MonotonicInstant) async -> Bool {
    let command = keys.isEmpty ? CacheCommand.ping : CacheCommand("DEL", keys.map { $0 as any CacheArgument })
    do {
      _ = try await client.execute(command, deadline: deadline)
      return true
    } catch {
      environment.logger.debug(
        "the cache does not answer", metadata: ["error": .string("\(error)"), "owed": .stringConvertible(keys.count)])
      return false
    }
  }
}
