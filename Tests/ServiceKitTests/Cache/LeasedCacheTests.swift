import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedRedis
import SimulationKernel
import Testing

@Suite struct LeasedCacheTests {
  /// Two caches of one process over one Redis.
  struct Bench: Sendable {
    let environment: ServiceEnvironment
    let first: LeasedCache
    let second: LeasedCache
    let server: SimulatedRedisServer

    func check(_ condition: Bool, _ what: @autoclosure () -> String = "", line: Int = #line) throws {
      if !condition {
        throw CachePoolTests.Finding(description: "\(what()) \(first.figures) \(second.figures) [line \(line)]")
      }
    }

    /// What a cache finds of `key`.
    func find(_ key: String, in cache: LeasedCache) async -> LeasedCache.Finding<[UInt8]> {
      await cache.lookUp([key]) { _, bytes in bytes.first == 1 ? bytes : nil }[0]
    }

    /// The lease that a cache gets of `key`.
    func lease(_ key: String, in cache: LeasedCache, line: Int = #line) async throws -> LeasedCache.Lease {
      guard case .lease(let lease) = await find(key, in: cache) else {
        throw CachePoolTests.Finding(description: "no lease [line \(line)]")
      }
      return lease
    }

    func stored(_ key: String) -> [UInt8]? { server.string(at: key) }
  }

  private func run(
    _ configure: (inout LeasedCache.Options) -> Void = { _ in }, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable (Bench) async throws -> Void
  ) {
    let kernel = SimulationKernel(seed: 1)
    let server = SimulatedRedisServer(
      host: kernel.host("redis"), network: Network(kernel: kernel), scripts: CacheScripts.all)
    var options = LeasedCache.Options()
    configure(&options)
    let (chosen, host) = (options, server)
    let outcome = kernel.run { process in
      let environment = ServiceEnvironment(
        clock: process.clock, wallClock: process.wallClock, entropy: process.entropy, logger: .silent)
      let caches = (0..<2).map { _ in
        LeasedCache(
          name: "test", client: CachePool(connector: host.connector(for: process), environment: environment),
          environment: environment, options: chosen)
      }
      try await body(Bench(environment: environment, first: caches[0], second: caches[1], server: host))
    }
    let leaks = kernel.reap()
    #expect(outcome == .finished, sourceLocation: sourceLocation)
    #expect(leaks == [], sourceLocation: sourceLocation)
  }

  @Test func whatWasFilledIsFoundUntilItsLifeIsOver() {
    run { bench in
      let lease = try await bench.lease("k", in: bench.first)
      await bench.first.fill([(lease, [1, 7])], life: .seconds(60))
      guard case .value(let bytes) = await bench.find("k", in: bench.second) else { return try bench.check(false) }
      try bench.check(bytes == [1, 7] && bench.first.figures.fills == 1 && bench.second.figures.hits == 1)
      try await bench.environment.sleep(.seconds(61))
      _ = try await bench.lease("k", in: bench.second)
    }
  }

  @Test func oneOfTwoReadersMayFill() {
    run { bench in
      _ = try await bench.lease("k", in: bench.first)
      guard case .busy = await bench.find("k", in: bench.second) else { return try bench.check(false) }
    }
  }

  @Test func aFillThatBeganBeforeAnInvalidationIsRefused() {
    run { bench in
      let early = try await bench.lease("k", in: bench.first)
      await bench.second.invalidate(["k"])
      await bench.first.fill([(early, [1, 1])], life: .seconds(60))
      try bench.check(bench.stored("k") == nil && bench.first.figures.refusedFills == 1)
    }
  }

  /// The textbook's race with a third party: the late fill meets a lease, which is another's.
  @Test func aLateFillDoesNotTakeAnothersLease() {
    run { bench in
      let early = try await bench.lease("k", in: bench.first)
      await bench.second.invalidate(["k"])
      let later = try await bench.lease("k", in: bench.second)
      await bench.first.fill([(early, [1, 1])], life: .seconds(60))
      await bench.first.giveBack([early])
      await bench.second.fill([(later, [1, 2])], life: .seconds(60))
      try bench.check(bench.stored("k") == [1, 2] && bench.first.figures.refusedFills == 1)
    }
  }

  @Test func aLeaseThatIsOverFillsNothingAndHoldsUpNobody() {
    run { bench in
      let lease = try await bench.lease("k", in: bench.first)
      try await bench.environment.sleep(.seconds(6))
      await bench.first.fill([(lease, [1, 1])], life: .seconds(60))
      try bench.check(bench.stored("k") == nil)
      _ = try await bench.lease("k", in: bench.second)
    }
  }

  @Test func aLeaseThatIsGivenBackIsFree() {
    run { bench in
      let lease = try await bench.lease("k", in: bench.first)
      await bench.first.giveBack([lease])
      _ = try await bench.lease("k", in: bench.second)
    }
  }

  @Test func aValueOfAnUnknownFormatCountsAsAbsentAndIsReplaced() {
    run { bench in
      let lease = try await bench.lease("k", in: bench.first)
      await bench.first.fill([(lease, [9, 9, 9])], life: .seconds(60))
      let next = try await bench.lease("k", in: bench.second)
      await bench.second.fill([(next, [1, 2])], life: .seconds(60))
      try bench.check(bench.stored("k") == [1, 2])
    }
  }

  @Test func scriptsAreSentAgainToAServerThatHasForgottenThem() {
    run { bench in
      for key in ["a", "b"] {
        let lease = try await bench.lease(key, in: bench.first)
        await bench.first.fill([(lease, [1])], life: .seconds(60))
        try bench.check(bench.stored(key) == [1])
        bench.server.crash()
        bench.server.restart()
        try await bench.environment.sleep(.seconds(2))
      }
    }
  }

  // MARK: A cache that does not answer

  @Test func aSlowCacheIsWaitedForBrieflyAndThenLeftAlone() {
    run { bench in
      _ = try await bench.lease("k", in: bench.first)
      bench.server.faults.slowCommands = 1
      bench.server.faults.slowness = .seconds(3) ... .seconds(3)
      let start = bench.environment.clock.now
      for _ in 0..<100 {
        guard case .unavailable = await bench.find("other", in: bench.first) else { return try bench.check(false) }
      }
      let took = start.duration(to: bench.environment.clock.now)
      // Four questions; the breaker spares the rest of them the wait.
      try bench.check(took <= .milliseconds(250), "\(took)")
      try bench.check(bench.first.figures.failures <= 5 && bench.first.figures.skipped >= 95)
    }
  }

  @Test func aCacheThatIsBackIsUsedAgain() {
    run { bench in
      bench.server.crash()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.first.run() }
        for _ in 0..<10 { _ = await bench.find("k", in: bench.first) }
        bench.server.restart()
        try await bench.environment.sleep(.seconds(8))
        _ = try await bench.lease("k", in: bench.first)
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
    }
  }

  @Test func anInvalidationThatCouldNotBeSentIsSentLater() {
    run { bench in
      let lease = try await bench.lease("k", in: bench.second)
      await bench.second.fill([(lease, [1, 1])], life: .seconds(600))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.first.run() }
        try await bench.environment.sleep(.seconds(1))
        bench.server.injectNext(.connectionLostBefore)
        await bench.first.invalidate(["k"])
        try bench.check(bench.first.figures.postponed == 1 && bench.first.figures.owed == 1)
        try bench.check(bench.stored("k") == [1, 1])
        try await bench.environment.sleep(.seconds(8))
        try bench.check(bench.stored("k") == nil && bench.first.figures.owed == 0)
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
    }
  }

  /// The commit takes effect after the invalidation: what was filled in between goes with the second one.
  @Test func afterAnUncertainCommitTheInvalidationIsSentTwice() {
    run { bench in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.first.run() }
        try await bench.environment.sleep(.seconds(1))
        await bench.first.invalidate(["k"], isCertain: false)
        let lease = try await bench.lease("k", in: bench.second)
        await bench.second.fill([(lease, [1, 1])], life: .seconds(600))
        try await bench.environment.sleep(.seconds(9))
        try bench.check(bench.stored("k") == [1, 1])
        try await bench.environment.sleep(.seconds(2))
        try bench.check(bench.stored("k") == nil && bench.first.figures.owed == 0)
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
    }
  }

  @Test func aServiceThatEndsSendsWhatItOwes() {
    run { bench in
      let lease = try await bench.lease("k", in: bench.second)
      await bench.second.fill([(lease, [1, 1])], life: .seconds(600))
      bench.server.injectNext(.connectionLostBefore)
      await bench.first.invalidate(["k"])
      try bench.check(bench.stored("k") == [1, 1])
      await bench.first.finish(by: bench.environment.after(.seconds(5)))
      try bench.check(bench.stored("k") == nil && bench.first.figures.owed == 0)
    }
  }

  @Test func whatIsOwedForLongerThanValuesLiveIsForgotten() {
    run({ $0.longestLife = .seconds(20) }) { bench in
      bench.server.crash()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.first.run() }
        await bench.first.invalidate(["k"])
        try bench.check(bench.first.figures.owed == 1)
        try await bench.environment.sleep(.seconds(60))
        try bench.check(bench.first.figures.owed == 0)
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
    }
  }
}
