import Logging
import Seams
import SeamsLive
import ServiceKit
import Testing

@testable import Redis

extension RedisSuites {
  @Suite("The live driver with a real server")
  struct LiveRedisTests {
    @Test func aWrongPasswordIsSaidWithoutIt() async throws {
      let url = try LiveRedis.serverURL()
      let host = url.split(separator: "@").last.map(String.init) ?? ""
      let connector = try LiveRedis.connector(url: "redis://:geheim@\(host)")
      let error = try await #require(throws: CacheError.self) {
        _ = try await connector.connect(deadline: LiveRedis.soon())
      }
      #expect(error.code == .connectFailed && error.prefix == "WRONGPASS" && !"\(error)".contains("geheim"))
      let silent = try LiveRedis.connector(url: "redis://\(host)")
      let refused = try await #require(throws: CacheError.self) {
        _ = try await silent.connect(deadline: LiveRedis.soon())
      }
      #expect(refused.prefix == "NOAUTH")
    }

    @Test func aServerThatPausesIsLeftAtTheDeadline() async throws {
      try await LiveRedis.with { redis in
        let (slow, other) = (try await redis.connect(), try await redis.connect())
        defer { other.close() }
        try await LiveRedis.administer("CLIENT", "PAUSE", "500")
        let error = try await #require(throws: CacheError.self) {
          _ = try await slow.execute(
            .set("k", "v"), deadline: redis.clock.now.advanced(by: .milliseconds(100)))
        }
        #expect(error.code == .deadlineExceeded && error.disposition == .ambiguous && slow.isClosed)
        // Redis goes on for everybody else.
        _ = try await other.execute(.ping, deadline: LiveRedis.soon())
      }
    }

    @Test func aPoolCarriesManyCallersOverFewConnections() async throws {
      try await LiveRedis.with { redis in
        let environment = ServiceEnvironment(
          clock: redis.clock, wallClock: SystemWallClock(), entropy: SystemEntropy(), logger: Logger(label: "test"))
        let pool = CachePool(
          connector: try LiveRedis.connector(database: redis.databases[0]), environment: environment)
        let start = redis.clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
          let upkeep = Task { try await pool.run() }
          defer { upkeep.cancel() }
          for _ in 0..<100 {
            group.addTask {
              for _ in 0..<200 { _ = try await pool.execute(.increment("n"), deadline: LiveRedis.soon()) }
            }
          }
          try await group.waitForAll()
        }
        let seconds = start.duration(to: redis.clock.now).inSeconds
        let figures = pool.figures
        print("cache pool: 20,000 INCRs by 100 callers at \(Int(20_000 / seconds))/s over \(figures.open) connections")
        #expect(try await pool.execute(.get("n"), deadline: LiveRedis.soon()).text == "20000")
        #expect(figures.open <= 10 && figures.retries == 0 && figures.connectFailures == 0)
        await pool.shutdown(deadline: LiveRedis.soon())
      }
    }
  }
}
