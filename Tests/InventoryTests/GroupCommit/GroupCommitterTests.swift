import Seams
import ServiceKit
import SimulationKernel
import Synchronization
import Testing

@Suite struct GroupCommitterTests {
  @Test func aLoneItemIsCommittedAtOnce() {
    let bench = CommitBench(commitTime: .milliseconds(10))
    bench.run { committer, process in
      let outcome = try await committer.submit(7, deadline: .distantFuture)
      check(outcome == 70)
      check(process.clock.now.nanoseconds == 10_000_000)
    }
    #expect(bench.batches == [[7]])
  }

  @Test func aBatchClosesWhenTheOneBeforeHasCommitted() {
    let bench = CommitBench(commitTime: .milliseconds(10))
    bench.run { committer, process in
      try await bench.submit([1, 2, 3, 4, 5], every: .milliseconds(3), to: committer, process)
    }
    // At 0 ms comes 1 and starts; 2, 3, 4 come while it commits; 5 comes at 12 ms, while they do.
    #expect(bench.batches == [[1], [2, 3, 4], [5]])
  }

  @Test func aBatchHasAtMostItsMaximum() {
    let bench = CommitBench(
      options: GroupCommitOptions(maximumBatch: 2), commitTime: .milliseconds(10))
    bench.run { committer, process in
      try await bench.submit([1, 2, 3, 4, 5, 6], every: .milliseconds(1), to: committer, process)
    }
    #expect(bench.batches == [[1], [2, 3], [4, 5], [6]])
  }

  @Test func itemsThatShareAKeyKeepTheirOrderOverSeveralLanes() {
    let bench = CommitBench(
      options: GroupCommitOptions(lanes: 3), commitTime: .milliseconds(10), key: { $0 % 2 })
    bench.run { committer, process in
      try await bench.submit([1, 3, 2, 5, 4, 7], every: .milliseconds(1), to: committer, process)
    }
    let odd = bench.batches.joined().filter { $0 % 2 == 1 }
    let even = bench.batches.joined().filter { $0 % 2 == 0 }
    #expect(odd == [1, 3, 5, 7])
    #expect(even == [2, 4])
    // 2 did not wait for 1 and 3, with which it shares nothing.
    #expect(bench.batches.prefix(2) == [[1], [2]])
  }

  @Test func anItemThatCannotSucceedFailsAlone() {
    let bench = CommitBench(
      options: GroupCommitOptions(attempts: 2), commitTime: .milliseconds(1), recovery: { _ in .againThenApart })
    bench.poison.withLock { $0 = [4] }
    bench.run { committer, process in
      let outcomes = try await bench.submit([1, 2, 3, 4, 5, 6, 7], every: .microseconds(10), to: committer, process)
      check(outcomes == [10, 20, 30, nil, 50, 60, 70])
    }
    #expect(bench.batches.joined().filter { $0 == 4 }.isEmpty)
  }

  @Test func aPassingFailureIsTriedAgainAndFailsNobody() {
    let bench = CommitBench(commitTime: .milliseconds(1), recovery: { _ in .again })
    bench.failures.withLock { $0 = 3 }
    bench.run { committer, process in
      let outcomes = try await bench.submit([1, 2, 3], every: .microseconds(10), to: committer, process)
      check(outcomes == [10, 20, 30])
    }
    #expect(bench.failures.withLock { $0 } == 0)
  }

  @Test func aFailureThatLastsGoesToItsCallersAndTheNextBatchIsTried() {
    let bench = CommitBench(
      options: GroupCommitOptions(attempts: 2), commitTime: .milliseconds(1), recovery: { _ in .again })
    bench.failures.withLock { $0 = 2 }
    bench.run { committer, process in
      await #expect(throws: CommitBench.Failure.self) { try await committer.submit(1, deadline: .distantFuture) }
      try await bench.expect(20, from: 2, committer)
    }
  }

  @Test func anItemWhoseDeadlinePassesInTheQueueIsNeverStarted() {
    let bench = CommitBench(commitTime: .seconds(5))
    bench.run { committer, process in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await committer.submit(1, deadline: .distantFuture) }
        try await process.clock.sleep(for: .milliseconds(1))
        let deadline = process.clock.now.advanced(by: .seconds(1))
        await #expect(throws: GroupCommitError.deadlineExceeded(wasStarted: false)) {
          try await committer.submit(2, deadline: deadline)
        }
        // It is answered when its deadline passes, not when the batch before it ends.
        check(process.clock.now < deadline.advanced(by: .milliseconds(101)))
        try await group.waitForAll()
      }
    }
    #expect(bench.batches == [[1]])
  }

  @Test func anItemWhoseDeadlinePassesInItsBatchIsAnsweredAndTheBatchGoesOn() {
    let bench = CommitBench(commitTime: .seconds(5))
    bench.run { committer, process in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.expect(0, from: 0, committer) }
        try await process.clock.sleep(for: .milliseconds(1))
        group.addTask { try await bench.expect(10, from: 1, committer) }
        await #expect(throws: GroupCommitError.deadlineExceeded(wasStarted: true)) {
          try await committer.submit(2, deadline: MonotonicInstant(nanoseconds: 7_000_000_000))
        }
        try await group.waitForAll()
      }
    }
    #expect(bench.batches.map { $0.sorted() } == [[0], [1, 2]])
  }

  @Test func aDeadlineThatHasPassedIsRefusedAtOnce() {
    let bench = CommitBench(commitTime: .milliseconds(1))
    bench.run { committer, process in
      try await process.clock.sleep(for: .seconds(1))
      await #expect(throws: GroupCommitError.deadlineExceeded(wasStarted: false)) {
        try await committer.submit(1, deadline: MonotonicInstant(nanoseconds: 1_000_000_000))
      }
    }
    #expect(bench.batches.isEmpty)
  }

  @Test func aCancelledCallerLeavesAndItsBatchGoesOn() {
    let bench = CommitBench(commitTime: .milliseconds(10))
    bench.run { committer, process in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.expect(10, from: 1, committer) }
        try await process.clock.sleep(for: .milliseconds(1))
        group.addTask { try await bench.expect(20, from: 2, committer) }
        try await withThrowingTaskGroup(of: Void.self) { cancelled in
          cancelled.addTask {
            await #expect(throws: CancellationError.self) {
              try await committer.submit(3, deadline: .distantFuture)
            }
          }
          try await process.clock.sleep(for: .milliseconds(1))
          cancelled.cancelAll()
        }
        check(process.clock.now.nanoseconds == 2_000_000)
        try await group.waitForAll()
      }
    }
    #expect(bench.batches == [[1], [2]])
  }

  @Test func aFullQueueRefuses() {
    let bench = CommitBench(options: GroupCommitOptions(maximumQueued: 2), commitTime: .milliseconds(10))
    bench.run { committer, process in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for item in 1...3 {
          group.addTask { _ = try await committer.submit(item, deadline: .distantFuture) }
          try await process.clock.sleep(for: .milliseconds(1))
        }
        await #expect(throws: GroupCommitError.queueFull) {
          try await committer.submit(4, deadline: .distantFuture)
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func finishingDoesWhatWaitsAndRefusesWhatComes() {
    let bench = CommitBench(commitTime: .milliseconds(10))
    bench.run { committer, process in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for item in 1...3 {
          group.addTask { try await bench.expect(item * 10, from: item, committer) }
        }
        try await process.clock.sleep(for: .milliseconds(1))
        committer.finish()
        await #expect(throws: GroupCommitError.stopped) { try await committer.submit(4, deadline: .distantFuture) }
        try await group.waitForAll()
      }
    }
    #expect(bench.batches.joined().sorted() == [1, 2, 3])
  }

  @Test(arguments: [1, 2])
  func anItemThatIsPutBackHoldsUpNobodyAndKeepsItsPlace(lanes: Int) {
    let bench = CommitBench(
      options: GroupCommitOptions(lanes: lanes), commitTime: .milliseconds(10), key: { $0 % 10 })
    bench.held.withLock { $0 = [1] }
    bench.run { committer, process in
      process.host.kernel.schedule(after: .milliseconds(35)) { bench.held.withLock { $0 = [] } }
      let outcomes = try await bench.submit([1, 2, 11, 3], every: .milliseconds(2), to: committer, process)
      check(outcomes == [10, 20, 110, 30])
    }
    let order = bench.batches.joined()
    #expect(order.firstIndex(of: 2)! < order.firstIndex(of: 1)!)
    #expect(order.firstIndex(of: 3)! < order.firstIndex(of: 1)!)
    #expect(order.count == 4)
  }

  @Test func anItemThatStaysPutBackEndsAtItsDeadline() {
    let bench = CommitBench(commitTime: .milliseconds(10))
    bench.held.withLock { $0 = [1] }
    bench.run { committer, process in
      await #expect(throws: GroupCommitError.self) {
        try await committer.submit(1, deadline: MonotonicInstant(nanoseconds: 1_000_000_000))
      }
      try await bench.expect(20, from: 2, committer)
    }
    #expect(bench.batches.joined().elementsEqual([2]))
  }
}
