import Logging
import Seams
import SeamsLive
import ServiceKit
import Testing

@testable import Redis

extension RedisSuites {
  @Suite("A pool finds the primary through sentinels, and the new one after a fail-over")
  struct LiveSentinelTests {
    @Test func aFailOverIsFollowed() async throws {
      try await SentinelCluster.with { cluster in
        let connector = try LiveRedis.connector(url: cluster.url)
        let environment = ServiceEnvironment(
          clock: SystemMonotonicClock(), wallClock: SystemWallClock(), entropy: SystemEntropy(),
          logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let pool = CachePool(connector: connector, environment: environment)
        _ = try await pool.execute(.set("k", "before"), deadline: LiveRedis.soon())
        try await SentinelCluster.eventually("the replica has not got the write") {
          let replica = try await LiveRedis.connector(url: cluster.url(of: cluster.replica)).connect(
            deadline: SentinelCluster.soon)
          defer { replica.close() }
          let refused = try await replica.send([.set("k", "x")], deadline: SentinelCluster.soon)
          guard case .error(let error) = refused[0], error.isWrongServer else { return false }
          return try await replica.execute(.get("k"), deadline: SentinelCluster.soon).text == "before"
        }
        cluster.killPrimary()
        try await SentinelCluster.eventually("the pool did not find the new primary") {
          let reply = try await pool.execute(.set("k", "after"), deadline: SentinelCluster.soon)
          return reply == .status("OK")
        }
        let now = try await LiveRedis.connector(url: cluster.url(of: cluster.replica)).connect(
          deadline: SentinelCluster.soon)
        defer { now.close() }
        let role = try await now.execute(CacheCommand("ROLE"), deadline: LiveRedis.soon()).array
        #expect(try role[0].text == "master")
        #expect(try await now.execute(.get("k"), deadline: LiveRedis.soon()).text == "after")
        await pool.shutdown(deadline: LiveRedis.soon())
      }
    }
  }
}
