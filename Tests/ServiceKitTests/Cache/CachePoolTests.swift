import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedRedis
import SimulationKernel
import Testing

@Suite struct CachePoolTests {
  /// A pool and the Redis behind it.
  struct Bench: Sendable {
    let environment: ServiceEnvironment
    let pool: CachePool
    let server: SimulatedRedisServer
    let process: SimulatedProcess

    func check(_ condition: Bool, _ what: @autoclosure () -> String = "", line: Int = #line) throws {
      if !condition { throw Finding(description: "\(what()) \(pool.figures) [line \(line)]") }
    }

    func failure(line: Int = #line, _ body: () async throws -> Void) async throws -> CacheError {
      do {
        try await body()
      } catch let error as CacheError {
        return error
      }
      throw Finding(description: "it should have failed [line \(line)]")
    }
  }

  /// What a test found wrong; thrown, because an expectation that fails on the simulated thread reads a clock there.
  struct Finding: Error, CustomStringConvertible {
    let description: String
  }

  private func run(
    seed: UInt64 = 1, _ configure: (inout CachePool.Options) -> Void = { _ in },
    sourceLocation: SourceLocation = #_sourceLocation, _ body: @escaping @Sendable (Bench) async throws -> Void
  ) {
    let kernel = SimulationKernel(seed: seed)
    let server = SimulatedRedisServer(
      host: kernel.host("redis"), network: Network(kernel: kernel), scripts: CacheScripts.all)
    var options = CachePool.Options()
    configure(&options)
    let (chosen, host) = (options, server)
    let outcome = kernel.run { process in
      let environment = ServiceEnvironment(
        clock: process.clock, wallClock: process.wallClock, entropy: process.entropy, logger: .silent)
      let pool = CachePool(connector: host.connector(for: process), environment: environment, options: chosen)
      try await body(Bench(environment: environment, pool: pool, server: host, process: process))
    }
    let leaks = kernel.reap()
    #expect(outcome == .finished, sourceLocation: sourceLocation)
    #expect(leaks == [], sourceLocation: sourceLocation)
  }

  @Test func manyCallersShareOneConnection() {
    run { bench in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<500 {
          group.addTask {
            _ = try await bench.pool.execute(.increment("n"), deadline: bench.environment.after(.seconds(5)))
          }
        }
        try await group.waitForAll()
      }
      let reply = try await bench.pool.execute(.get("n"), deadline: bench.environment.after(.seconds(5)))
      try bench.check(reply == .bytes(Array("500".utf8)), "\(reply)")
      // Without `run` nobody opens more than callers need; two may open at once.
      try bench.check(bench.pool.figures.connected <= 2 && bench.pool.figures.inFlight == 0)
      try bench.check(bench.pool.figures.inFlightMaximum > 100)
    }
  }

  @Test func aBusyPoolGrowsUpToItsSize() {
    run {
      $0.size = 4
    } _: { bench in
      bench.server.network.defaultLatency = .constant(.milliseconds(5))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.pool.run() }
        for _ in 0..<200 {
          group.addTask {
            for _ in 0..<20 {
              _ = try await bench.pool.execute(.ping, deadline: bench.environment.after(.seconds(5)))
            }
          }
        }
        for _ in 0..<200 { _ = try await group.next() }
        try bench.check(bench.pool.figures.connected == 4 && bench.pool.figures.open == 4)
        group.cancelAll()
        do { try await group.waitForAll() } catch is CancellationError {}
      }
    }
  }

  @Test func whileRedisIsDownCallersWaitAndFewConnect() {
    run { bench in
      bench.server.crash()
      let start = bench.environment.clock.now
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<100 {
          group.addTask {
            let error = try await bench.failure {
              _ = try await bench.pool.execute(.ping, deadline: start.advanced(by: .seconds(3)))
            }
            try bench.check(error.code == .poolExhausted && error.cause is CacheError, "\(error)")
          }
        }
        try await group.waitForAll()
      }
      let figures = bench.pool.figures
      try bench.check(figures.timeouts == 100 && figures.waiting == 0 && figures.connecting == 0)
      try bench.check((4...12).contains(figures.connectFailures))
      bench.server.restart()
      _ = try await bench.pool.execute(.ping, deadline: bench.environment.after(.seconds(10)))
      try bench.check(bench.pool.figures.open == 1)
    }
  }

  @Test func callersThatWaitAreServedOnceRedisIsBack() {
    run { bench in
      bench.server.crash()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<50 {
          group.addTask {
            _ = try await bench.pool.execute(.increment("n"), deadline: bench.environment.after(.seconds(30)))
          }
        }
        try await bench.environment.sleep(.seconds(2))
        bench.server.restart()
        try await group.waitForAll()
      }
      let reply = try await bench.pool.execute(.get("n"), deadline: bench.environment.after(.seconds(5)))
      try bench.check(reply == .bytes(Array("50".utf8)), "\(reply)")
    }
  }

  @Test func aLostReadIsSentAgainAndALostWriteIsNot() {
    run { bench in
      bench.server.injectNext(.connectionLostBefore)
      let reply = try await bench.pool.execute(.get("k"), deadline: bench.environment.after(.seconds(5)))
      try bench.check(reply == .null && bench.pool.figures.retries == 1)
      bench.server.injectNext(.connectionLostBefore)
      let error = try await bench.failure {
        _ = try await bench.pool.execute(.set("k", "v"), deadline: bench.environment.after(.seconds(5)))
      }
      try bench.check(error.disposition == .ambiguous && bench.pool.figures.retries == 1, "\(error)")
    }
  }

  @Test func aConnectionThatDiedIdleIsReplaced() {
    run { bench in
      _ = try await bench.pool.execute(.ping, deadline: bench.environment.after(.seconds(5)))
      bench.server.killAllConnections()
      try await bench.environment.sleep(.milliseconds(10))
      _ = try await bench.pool.execute(.set("k", "v"), deadline: bench.environment.after(.seconds(5)))
      try bench.check(bench.pool.figures.connected == 2 && bench.pool.figures.discarded == 1)
    }
  }

  @Test func aCheckFindsAConnectionThatIsSilentlyDead() {
    run { bench in
      _ = try await bench.pool.execute(.ping, deadline: bench.environment.after(.seconds(5)))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await bench.pool.run() }
        bench.server.network.partition([bench.process.host], from: [bench.server.host])
        try await bench.environment.sleep(.seconds(60))
        try bench.check(bench.pool.figures.open == 0 && bench.pool.figures.discarded == 1)
        group.cancelAll()
        do { try await group.waitForAll() } catch is CancellationError {}
      }
    }
  }

  @Test(arguments: [
    ["MULTI"], ["SELECT", "1"], ["EXEC"], ["WATCH", "k"],
  ])
  func whatWouldChangeASharedConnectionIsRefused(_ words: [String]) {
    run { bench in
      let command = CacheCommand(raw: words.map { Array($0.utf8) })
      let error = try await bench.failure {
        _ = try await bench.pool.send([command, .ping], deadline: bench.environment.after(.seconds(5)))
      }
      try bench.check(error.code == .refused && bench.pool.figures.connected == 0, "\(error)")
    }
  }

  @Test func transactionsAndScriptsGoThroughThePool() {
    run { bench in
      let deadline = bench.environment.after(.seconds(5))
      let replies = try await bench.pool.transaction([.set("k", "a"), .get("k")], deadline: deadline)
      try bench.check(replies == [.status("OK"), .bytes(Array("a".utf8))])
      let script = CacheScripts.deleteIfEqual
      let kept = try await bench.pool.evaluate(script, keys: ["k"], arguments: ["b"], deadline: deadline)
      let gone = try await bench.pool.evaluate(script, keys: ["k"], arguments: ["a"], deadline: deadline)
      try bench.check(kept == .integer(0) && gone == .integer(1), "\(kept) \(gone)")
    }
  }

  @Test func aPoolThatIsShutDownAnswersWhatIsUnderWayAndTakesNoMore() {
    run { bench in
      bench.server.faults.slowness = .seconds(1) ... .seconds(1)
      _ = try await bench.pool.execute(.ping, deadline: bench.environment.after(.seconds(5)))
      bench.server.injectNext(.slowCommand)
      async let slow = bench.pool.execute(.set("k", "v"), deadline: bench.environment.after(.seconds(5)))
      try await bench.environment.sleep(.milliseconds(10))
      await bench.pool.shutdown(deadline: bench.environment.after(.seconds(10)))
      try bench.check(try await slow == .status("OK") && bench.pool.figures.open == 0)
      let error = try await bench.failure {
        _ = try await bench.pool.execute(.ping, deadline: bench.environment.after(.seconds(1)))
      }
      try bench.check(error.code == .poolExhausted, "\(error)")
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func nothingIsCountedTwiceUnderFaults(_ seed: UInt64) {
    run(seed: seed) { bench in
      bench.server.faults.loseConnection = 0.05
      bench.server.faults.refuseConnections = 0.2
      bench.server.faults.slowCommands = 0.02
      let outcomes = Log<Bool?>()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<100 {
          group.addTask {
            do {
              _ = try await bench.pool.execute(.increment("n"), deadline: bench.environment.after(.seconds(2)))
              outcomes.append(true)
            } catch let error as CacheError {
              outcomes.append(error.disposition == .ambiguous ? nil : false)
            }
          }
        }
        try await group.waitForAll()
      }
      bench.server.faults = RedisFaultRates()
      let reply = try await bench.pool.execute(.get("n"), deadline: bench.environment.after(.seconds(30)))
      let counted = try reply.text.flatMap { Int($0) } ?? 0
      let (certain, perhaps) = (outcomes.entries.count { $0 == true }, outcomes.entries.count { $0 == nil })
      try bench.check((certain...certain + perhaps).contains(counted), "\(counted) of \(certain) and \(perhaps)")
      try bench.check(bench.pool.figures.inFlight == 0 && bench.pool.figures.connecting == 0)
    }
  }
}
