import Foundation
import Redis
import Seams

/// A Redis that a test may kill, stop and start again, on a port and in a folder of its own; gone at the end.
///
/// `@unchecked Sendable`: one test uses it from one task.
final class OwnRedis: @unchecked Sendable {
  private let program: String
  private let folder: URL
  private let port: Int
  private var process: Process?

  var url: String { "redis://127.0.0.1:\(port)/0" }

  private init(program: String) throws {
    self.program = program
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("zoco-redis-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    port = Int.random(in: 10_000..<19_000)
  }

  /// Runs `body` once the server answers.
  static func with(_ body: (OwnRedis) async throws -> Void) async throws {
    guard let program = ProcessInfo.processInfo.environment["ZOCO_REDIS_SERVER"], !program.isEmpty else {
      throw ConformanceFailure("ZOCO_REDIS_SERVER is not set. Run ./zoco test, which sets it.")
    }
    let redis = try OwnRedis(program: program)
    defer {
      redis.kill()
      try? FileManager.default.removeItem(at: redis.folder)
    }
    try await redis.start()
    try await body(redis)
  }

  /// Starts the server, empty, and waits until it answers.
  func start() async throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [
      "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--logfile", "\(folder.path)/log", "--save", "",
      "--appendonly", "no",
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    self.process = process
    while true {
      do {
        let connection = try await LiveRedis.connector(url: url).connect(deadline: LiveRedis.soon())
        defer { connection.close() }
        _ = try await connection.execute(.ping, deadline: LiveRedis.soon())
        return
      } catch let error as CacheError {
        guard process.isRunning else { throw error }
      }
    }
  }

  /// Ends the server at once: connections break, all is lost.
  func kill() {
    guard let process, process.isRunning else { return }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Lets the server stand still: connections stay and nothing is answered.
  func stall() { signal(SIGSTOP) }

  /// Lets it run on.
  func resume() { signal(SIGCONT) }

  private func signal(_ number: Int32) {
    guard let process, process.isRunning else { return }
    Foundation.kill(process.processIdentifier, number)
  }
}
