import Seams
import SeamsLive
import ServiceKit
import SimulatedNetwork
import SimulatedRedis
import SimulationKernel
import Testing

/// What a behaviour runs on: one of the two sides, with an empty database.
struct CacheBench: Sendable {
  let connector: any CacheConnector
  let clock: any MonotonicClock
  let wallClock: any WallClock
  /// Ends every connection from the server's side.
  let kill: @Sendable () async throws -> Void

  /// A deadline that only a hang reaches.
  var soon: MonotonicInstant { clock.now.advanced(by: .seconds(30)) }

  func connect() async throws -> any CacheConnection { try await connector.connect(deadline: soon) }

  /// Opens a connection for `body` and closes it.
  func session<R>(_ body: (any CacheConnection) async throws -> R) async throws -> R {
    let connection = try await connect()
    defer { connection.close() }
    return try await body(connection)
  }

  /// The reply to a command of words, an error as a value.
  func ask(_ connection: any CacheConnection, _ words: String...) async throws -> CacheReply {
    try await connection.send([CacheCommand(raw: words.map { Array($0.utf8) })], deadline: soon)[0]
  }

  func sleep(_ duration: Duration) async throws {
    try await clock.sleep(until: clock.now.advanced(by: duration), tolerance: nil)
  }

  /// The error with which `body` failed.
  func error(line: Int = #line, _ body: () async throws -> Void) async throws -> CacheError {
    do {
      try await body()
    } catch let error as CacheError {
      return error
    } catch {
      throw ConformanceFailure("failed with \(type(of: error)) \(error), not a CacheError", line: line)
    }
    throw ConformanceFailure("succeeded and should have failed", line: line)
  }
}

/// Something both sides must do alike.
struct CacheBehaviour: Sendable, CustomTestStringConvertible {
  let name: String
  let run: @Sendable (CacheBench) async throws -> Void

  init(_ name: String, _ run: @escaping @Sendable (CacheBench) async throws -> Void) {
    self.name = name
    self.run = run
  }

  var testDescription: String { name }

  static let all = values + connections
}

extension CacheReply {
  static func text(_ text: String) -> CacheReply { .bytes(Array(text.utf8)) }
  static func failure(_ text: String) -> CacheReply { .error(CacheError(server: text)) }
}

/// Every test that uses the one Redis server: scripts and connections are the whole server's.
@Suite("Redis", .serialized)
struct RedisSuites {
  @Suite("Live Redis behaves as the cache seam says", .serialized)
  struct LiveCacheConformanceTests {
    @Test(arguments: CacheBehaviour.all)
    func behaves(_ behaviour: CacheBehaviour) async throws {
      try await LiveRedis.with { redis in
        let bench = CacheBench(
          connector: try LiveRedis.connector(database: redis.databases[0]), clock: redis.clock,
          wallClock: SystemWallClock(), kill: { try await LiveRedis.killClients() })
        try await behaviour.run(bench)
      }
    }
  }

  @Suite("The simulated Redis behaves as the cache seam says")
  struct SimulatedCacheConformanceTests {
    @Test(arguments: CacheBehaviour.all)
    func behaves(_ behaviour: CacheBehaviour) throws {
      for seed in 1...5 as ClosedRange<UInt64> {
        let kernel = SimulationKernel(seed: seed)
        let server = SimulatedRedisServer(
          host: kernel.host("redis"), network: Network(kernel: kernel), scripts: CacheScripts.all + TestScripts.all)
        let outcome = kernel.run { process in
          let bench = CacheBench(
            connector: server.connector(for: process), clock: process.clock, wallClock: process.wallClock,
            kill: { server.killAllConnections() })
          try await behaviour.run(bench)
        }
        kernel.reap()
        #expect(outcome == .finished, "seed \(seed)")
      }
    }
  }
}
