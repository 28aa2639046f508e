import Foundation
import Logging
import Reactor
import Seams
import SeamsLive
import Synchronization

@testable import Redis

/// Two databases of the test server, empty, that no other test uses meanwhile.
struct LiveRedis: Sendable {
  /// The numbers of the databases.
  let databases: [Int]
  let clock = SystemMonotonicClock()

  private static let reactor = Reactor()
  private static let free = Mutex(Array(0..<8))

  /// The URL of the server that `./zoco test` started.
  static func serverURL() throws -> String {
    guard let url = ProcessInfo.processInfo.environment["ZOCO_TEST_REDIS_URL"], !url.isEmpty else {
      throw ConformanceFailure(
        "there is no Redis to test against: ZOCO_TEST_REDIS_URL is not set. Run ./zoco test, which starts one.")
    }
    return url
  }

  /// A connector to a database of the test server, or to another Redis.
  static func connector(database: Int = 0, url: String? = nil) throws -> RedisConnector {
    var target = try url ?? serverURL()
    if url == nil, let slash = target.lastIndex(of: "/") { target = "\(target[...slash])\(database)" }
    return RedisConnector(
      configuration: try RedisConfiguration(url: target), clock: SystemMonotonicClock(),
      logger: Logger(label: "test"), reactor: reactor)
  }

  func connect() async throws -> any CacheConnection {
    try await LiveRedis.connector(database: databases[0]).connect(deadline: LiveRedis.soon())
  }

  /// Runs `body` on two empty databases.
  static func with<R>(_ body: (LiveRedis) async throws -> R) async throws -> R {
    let slot = try await takeSlot()
    defer { free.withLock { $0.append(slot) } }
    let redis = LiveRedis(databases: [2 * slot, 2 * slot + 1])
    for database in redis.databases {
      let connection = try await connector(database: database).connect(deadline: soon())
      defer { connection.close() }
      _ = try await connection.execute(CacheCommand("FLUSHDB"), deadline: soon())
    }
    return try await body(redis)
  }

  private static func takeSlot() async throws -> Int {
    while true {
      if let slot = free.withLock({ $0.popLast() }) { return slot }
      try await SystemMonotonicClock().sleep(until: soon().advanced(by: .milliseconds(-29_980)), tolerance: nil)
    }
  }

  /// Ends every other connection from the server's side. CLIENT is the driver's to send: so this goes past it.
  static func killClients(of url: String? = nil) async throws {
    try await administer("CLIENT", "KILL", "TYPE", "normal", url: url)
  }

  /// Sends a command outside of the driver, on a thread of its own.
  @discardableResult
  static func administer(
    _ name: StaticString, _ arguments: String..., url: String? = nil
  ) async throws -> CacheReply {
    let configuration = try RedisConfiguration(url: url ?? serverURL())
    guard case .server(let host) = configuration.target else { throw ConformanceFailure("not one server") }
    let lost = ConformanceFailure("the test server does not answer")
    let command = CacheCommand(name, arguments.map { $0 as any CacheArgument })
    let reply = try await HelperCall<CacheReply>.run(
      reactor: reactor, deadline: Reactor.now + 10_000_000_000, exhausted: lost, expired: { lost }, discard: { _ in }
    ) { call in
      do {
        let socket = try RedisSocket(address: host.name, port: host.port)
        _ = call.alarm.wait(for: socket.descriptor, writing: true, until: call.deadline)
        let link = RedisLink(socket: socket, reader: HiredisReader(), alarm: call.alarm)
        let signIn = configuration.password.map { [CacheCommand("AUTH", $0)] } ?? []
        return link.exchange(signIn + [command], call.deadline).map { $0[$0.count - 1] }.mapError { $0 }
      } catch {
        return .failure(error)
      }
    }
    return try reply.get()
  }

  /// A deadline that only a hang reaches.
  static func soon() -> MonotonicInstant { SystemMonotonicClock().now.advanced(by: .seconds(30)) }
}
