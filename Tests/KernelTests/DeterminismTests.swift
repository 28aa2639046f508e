import Seams
import SimulationKernel
import Testing

@Suite struct DeterminismTests {
  /// Actors, task groups, `async let`, streams, yields, cancellation and sleeps, all racing.
  private static func busyRun(seed: UInt64) -> (hash: UInt64, log: [Int]) {
    let kernel = SimulationKernel(seed: seed)
    let log = Log()
    let outcome = kernel.run { process in
      let clock = process.clock
      let entropy = process.entropy
      async let side: Void = {
        for turn in 0..<20 {
          await Task.yield()
          log.append(turn)
        }
      }()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<10 {
          group.addTask {
            for _ in 0..<5 {
              try await clock.sleep(for: .microseconds(entropy.integer(in: 1...50)))
              log.append(100 + worker)
            }
          }
        }
        let (stream, continuation) = AsyncStream<Int>.makeStream()
        group.addTask {
          for await value in stream { log.append(1000 + value) }
        }
        for value in 0..<10 { continuation.yield(value) }
        continuation.finish()
        let sleeper = Counter()
        group.addTask { await sleeper.increment() }
        try await group.waitForAll()
      }
      await side
    }
    #expect(outcome == .finished)
    #expect(kernel.reap().isEmpty)
    return (kernel.trace.hash, log.entries)
  }

  @Test(arguments: [0, 1, 7, UInt64.max])
  func aSeedReplaysBitForBit(seed: UInt64) {
    let first = Self.busyRun(seed: seed)
    let second = Self.busyRun(seed: seed)
    #expect(first.hash == second.hash)
    #expect(first.log == second.log)
  }

  @Test func differentSeedsRunTasksInDifferentOrders() {
    let orders = Set((0..<20).map { Self.busyRun(seed: $0).log })
    #expect(orders.count == 20)
  }

  /// The hash was recorded once; it must be the same in every process, in debug and in release.
  @Test func theHashOfASeedIsPinned() {
    #expect(String(Self.busyRun(seed: 42).hash, radix: 16) == "d407c66a27f146ef")
  }

  @Test func namedStreamsAreIndependentOfEachOther() {
    let kernel = SimulationKernel(seed: 5)
    let alone = kernel.stream("a")
    let expected = (0..<5).map { _ in alone.next() }
    let (first, other) = (kernel.stream("a"), kernel.stream("b"))
    let drawn = (0..<5).map { _ in
      _ = other.next()
      return first.next()
    }
    #expect(drawn == expected)
  }
}

/// `@unchecked Sendable`: used on the kernel's thread alone.
final class Log: @unchecked Sendable {
  private(set) var entries: [Int] = []

  func append(_ entry: Int) { entries.append(entry) }
}

actor Counter {
  private(set) var value = 0

  func increment() { value += 1 }
}
