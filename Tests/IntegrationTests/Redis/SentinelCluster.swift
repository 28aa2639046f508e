import Foundation
import Seams
import SeamsLive

@testable import Redis

/// A primary, a replica and a sentinel that watches them, in a folder and on ports of their own; gone at the end.
///
/// `@unchecked Sendable`: the processes are only ended, once, when the test is over.
final class SentinelCluster: @unchecked Sendable {
  let primary: Int
  let replica: Int
  let sentinel: Int
  private let folder: URL
  private var processes: [Process] = []

  /// The URL that finds the primary; the first sentinel of the two does not exist.
  var url: String { "redis+sentinel://127.0.0.1:1,127.0.0.1:\(sentinel)/mymaster" }

  func url(of port: Int) -> String { "redis://127.0.0.1:\(port)" }

  private init(program: String) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoco-sentinel-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let base = Int.random(in: 10_000..<19_000)
    (primary, replica, sentinel) = (base, base + 1, base + 2)
    try start(program, "primary", "port \(primary)\n")
    try start(program, "replica", "port \(replica)\nreplicaof 127.0.0.1 \(primary)\nrepl-diskless-sync-delay 0\n")
    try start(
      program, "sentinel",
      """
      port \(sentinel)
      sentinel monitor mymaster 127.0.0.1 \(primary) 1
      sentinel down-after-milliseconds mymaster 1000
      sentinel failover-timeout mymaster 5000

      """, "--sentinel")
  }

  private func start(_ program: String, _ name: String, _ settings: String, _ options: String...) throws {
    let own = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
    let configuration = own.appendingPathComponent("redis.conf")
    let common = "bind 127.0.0.1\nprotected-mode no\ndir \(own.path)\nlogfile \(own.path)/log\n"
    let storage = options.isEmpty ? "save \"\"\n" : ""
    try (common + storage + settings).write(to: configuration, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [configuration.path] + options
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    processes.append(process)
  }

  private func end() {
    // Not SIGTERM: a child inherits the signals that the thread which starts it blocks.
    for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) }
    for process in processes { process.waitUntilExit() }
    try? FileManager.default.removeItem(at: folder)
  }

  /// Kills the primary, as a machine that fails.
  func killPrimary() { kill(processes[0].processIdentifier, SIGKILL) }

  /// Runs `body` once the replica follows and the sentinel knows of it.
  static func with(_ body: (SentinelCluster) async throws -> Void) async throws {
    guard let program = ProcessInfo.processInfo.environment["ZOCO_REDIS_SERVER"], !program.isEmpty else {
      throw ConformanceFailure("ZOCO_REDIS_SERVER is not set. Run ./zoco test, which sets it.")
    }
    let cluster = try SentinelCluster(program: program)
    defer { cluster.end() }
    try await eventually("the replica did not follow") {
      let connection = try await LiveRedis.connector(url: cluster.url(of: cluster.replica)).connect(deadline: soon)
      defer { connection.close() }
      let role = try await connection.execute(CacheCommand("ROLE"), deadline: soon).array
      return try role.count == 5 && role[3].text == "connected"
    }
    // A sentinel asks the primary for its replicas every ten seconds.
    try await eventually("the sentinel does not know of the replica") { try await cluster.replicasKnown() > 0 }
    try await body(cluster)
  }

  private func replicasKnown() async throws -> Int {
    let url = url(of: sentinel)
    return try await LiveRedis.administer("SENTINEL", "replicas", "mymaster", url: url).array.count
  }

  static var soon: MonotonicInstant { SystemMonotonicClock().now.advanced(by: .seconds(5)) }

  /// Repeats `condition` until it holds, for up to 40 seconds.
  static func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let clock = SystemMonotonicClock()
    let limit = clock.now.advanced(by: .seconds(40))
    while clock.now < limit {
      if (try? await condition()) == true { return }
      try await clock.sleep(until: clock.now.advanced(by: .milliseconds(50)), tolerance: nil)
    }
    throw ConformanceFailure(what)
  }
}
