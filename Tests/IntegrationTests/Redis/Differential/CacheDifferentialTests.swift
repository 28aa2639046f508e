import Foundation
import Seams
import SeamsLive
import ServiceKit
import SimulatedNetwork
import SimulatedRedis
import SimulationKernel
import Synchronization
import Testing

extension RedisSuites {
  @Suite("The simulated Redis and the real one answer random commands alike", .serialized)
  struct CacheDifferentialTests {
    /// `ZOCO_DIFFERENTIAL_CACHE_SEEDS=a..b`, both included.
    private static func seeds() throws -> ClosedRange<UInt64> {
      guard let text = ProcessInfo.processInfo.environment["ZOCO_DIFFERENTIAL_CACHE_SEEDS"] else { return 1...400 }
      let bounds = text.split(separator: ".", omittingEmptySubsequences: true).compactMap { UInt64($0) }
      guard let first = bounds.first, let last = bounds.last, first <= last, bounds.count <= 2 else {
        throw ConformanceFailure("ZOCO_DIFFERENTIAL_CACHE_SEEDS is a range of seeds such as 1..200, not \(text)")
      }
      return first...last
    }

    @Test func replyByReply() async throws {
      var (sequences, commands, errors) = (0, 0, 0)
      var differences: [String] = []
      try await LiveRedis.with { redis in
        for seed in try Self.seeds() {
          let steps = Self.draw(seed)
          let live = try await Self.playLive(steps, redis)
          let simulated = try Self.playSimulated(steps, seed)
          sequences += 1
          commands += live.joined().count
          errors += live.joined().count { if case .error = $0 { true } else { false } }
          if let difference = Self.difference(steps, live, simulated) {
            differences.append("seed \(seed): \(difference)")
          }
        }
      }
      print(
        "cache differential: \(sequences) sequences, \(commands) commands, \(errors) errors, "
          + "\(differences.count) differences")
      for difference in differences.prefix(5) { Issue.record(Comment(rawValue: difference)) }
      let (agrees, isLong) = (differences.isEmpty, sequences >= 100)
      #expect(agrees)
      #expect(errors > sequences || !isLong, "the commands must reach errors")
    }

    /// The steps, and at the end what every key holds.
    private static func draw(_ seed: UInt64) -> [CacheStep] {
      var generator = CacheStepGenerator(seed: seed)
      var steps = [CacheStep(connection: 0, commands: [[.text("SCRIPT"), .text("FLUSH")]])]
      for _ in 0..<generator.length { steps.append(generator.next()) }
      // Whoever is still in a transaction leaves it; the first answers for all.
      for connection in 0..<generator.connections {
        steps.append(CacheStep(connection: connection, commands: [[.text("DISCARD")]]))
      }
      for database in 0...1 {
        steps.append(CacheStep(connection: 0, commands: [[.text("SELECT"), .database(database)]]))
        for key in CacheStepGenerator.keys {
          let questions = [
            ["TYPE", key], ["PTTL", key], ["GET", key], ["HGETALL", key], ["ZRANGE", key, "0", "-1", "WITHSCORES"],
          ]
          steps.append(CacheStep(connection: 0, commands: questions.map { $0.map { .text($0) } }))
        }
        steps.append(CacheStep(connection: 0, commands: [[.text("SCAN")]], isScan: true))
        steps.append(CacheStep(connection: 0, commands: [[.text("DBSIZE")]]))
      }
      return steps
    }

    private static func playLive(_ steps: [CacheStep], _ redis: LiveRedis) async throws -> [[CacheReply]] {
      var connections: [any CacheConnection] = []
      defer { for connection in connections { connection.close() } }
      for _ in 0..<3 { connections.append(try await redis.connect()) }
      for database in redis.databases.reversed() {
        _ = try await connections[0].send(
          [CacheCommand("SELECT", database), CacheCommand("FLUSHDB")], deadline: LiveRedis.soon())
      }
      let player = CachePlayer(
        connections: connections, databases: redis.databases, wallClock: SystemWallClock(), deadline: .distantFuture)
      var replies: [[CacheReply]] = []
      for step in steps { replies.append(try await player.play(step)) }
      return replies
    }

    private static func playSimulated(_ steps: [CacheStep], _ seed: UInt64) throws -> [[CacheReply]] {
      let kernel = SimulationKernel(seed: seed)
      let server = SimulatedRedisServer(
        host: kernel.host("redis"), network: Network(kernel: kernel), scripts: CacheScripts.all + TestScripts.all)
      let replies = Mutex<[[CacheReply]]>([])
      let outcome = kernel.run { process in
        var connections: [any CacheConnection] = []
        let connector = server.connector(for: process)
        for _ in 0..<3 { connections.append(try await connector.connect(deadline: .distantFuture)) }
        let player = CachePlayer(
          connections: connections, databases: [0, 1], wallClock: process.wallClock, deadline: .distantFuture)
        for step in steps {
          let answer = try await player.play(step)
          replies.withLock { $0.append(answer) }
        }
      }
      kernel.reap()
      guard case .finished = outcome else {
        throw ConformanceFailure("the simulated run of seed \(seed) ended with \(outcome)")
      }
      return replies.withLock { $0 }
    }

    /// The first command that was not answered alike, with all that led to it.
    private static func difference(
      _ steps: [CacheStep], _ live: [[CacheReply]], _ simulated: [[CacheReply]]
    ) -> String? {
      var queued: [Int: [String]] = [:]
      for (number, step) in steps.enumerated() {
        for (index, command) in step.commands.enumerated() {
          let word = command[0].description.uppercased()
          let (left, right) = (live[number][index], simulated[number][index])
          guard CacheComparison.agree(left, right, to: word, queued: queued[step.connection] ?? []) else {
            let history = steps[...number].map(\.description).suffix(25).joined(separator: "\n")
            return "\(command) was answered with \(left) by Redis and with \(right) by the double, after\n\(history)"
          }
          if left == .status("QUEUED") { queued[step.connection, default: []].append(word) }
          if word == "MULTI" && left == .status("OK") || word == "EXEC" || word == "DISCARD" {
            queued[step.connection] = []
          }
        }
      }
      return nil
    }
  }
}
