import Seams
import SimulatedRedis
import SimulationKernel
import Testing

@Suite struct CommandTests {
  /// Every key that SCAN gives, from the first page to the last.
  @Sendable private func scan(_ connection: any CacheConnection, _ options: String...) async throws -> [String] {
    var (cursor, keys): (String, [String]) = ("0", [])
    repeat {
      let parts = try await connection.ask(["SCAN", cursor] + options).array
      cursor = try parts[0].text ?? ""
      keys += try parts[1].array.compactMap { try $0.text }
    } while cursor != "0"
    return keys
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func aScanIsCompleteWhateverItsOrder(_ seed: UInt64) {
    Laboratory(seed: seed).run { client in
      let connection = try await client.connect()
      let expected = Set((0..<100).map { "key\($0)" })
      for key in expected.sorted() { _ = try await connection.ask(["SET", key, "v"]) }
      let keys = try await scan(connection, "COUNT", "7")
      try client.expect(Set(keys) == expected, "found \(keys.count) keys")
      let some = try await scan(connection, "MATCH", "key[1-2]?", "TYPE", "string")
      try client.expect(Set(some) == Set((10...29).map { "key\($0)" }), "found \(some)")
    }
  }

  @Test func aScanFindsWhatStaysWhileOthersComeAndGo() {
    for seed in 1...10 as ClosedRange<UInt64> {
      Laboratory(seed: seed).run { client in
        let connection = try await client.connect()
        for key in 0..<50 { _ = try await connection.ask(["SET", "stays\(key)", "v"]) }
        var (cursor, keys): (String, Set<String>) = ("0", [])
        var round = 0
        repeat {
          let parts = try await connection.ask(["SCAN", cursor, "COUNT", "3"]).array
          cursor = try parts[0].text ?? ""
          for key in try parts[1].array { keys.insert(try key.text ?? "") }
          _ = try await connection.ask(["SET", "comes\(round)", "v"])
          _ = try await connection.ask(["DEL", "comes\(round - 3)"])
          round += 1
        } while cursor != "0"
        try client.expect(keys.isSuperset(of: (0..<50).map { "stays\($0)" }), "a key was missed")
      }
    }
  }

  @Test func theOrderOfKeysIsTheSeeds() {
    var orders: Set<[String]> = []
    for seed in 1...5 as ClosedRange<UInt64> {
      let found = Box()
      Laboratory(seed: seed).run { client in
        let connection = try await client.connect()
        for key in 0..<20 { _ = try await connection.ask(["SET", "\(key)", "v"]) }
        found.keys = try await scan(connection)
      }
      orders.insert(found.keys)
    }
    #expect(orders.count == 5)
  }

  /// `@unchecked Sendable`: only the kernel's thread writes, before the test reads.
  private final class Box: @unchecked Sendable {
    var keys: [String] = []
  }

  @Test(arguments: [
    ["LPUSH", "l", "1"], ["ZRANGE", "z", "-", "+", "BYLEX"], ["EVAL", "return 1", "0"], ["CONFIG", "GET", "x"],
  ])
  func whatItDoesNotKnowIsAFaultOfTheHarness(_ words: [String]) {
    let laboratory = Laboratory()
    let server = laboratory.server
    let outcome = laboratory.kernel.run { process in
      _ = try await Client(process: process, server: server).connect().ask(words)
    }
    laboratory.kernel.reap()
    guard case .harnessFailure(let message) = outcome else {
      Issue.record("the run ended with \(outcome)")
      return
    }
    #expect(message.contains("the simulated Redis does not have"))
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func othersGetBetweenTheCommandsOfAPipelineButNotOfATransaction(_ seed: UInt64) {
    Laboratory(seed: seed).run { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            let connection = try await client.connect()
            for _ in 0..<20 {
              let replies = try await connection.transaction(
                [.increment("n"), .increment("n")], deadline: .distantFuture)
              let (first, second) = (try replies[0].integer, try replies[1].integer)
              try client.expect(second == first + 1, "\(first) and then \(second)")
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func aPipelineIsNoTransaction() {
    var interleaved = 0
    for seed in 1...20 as ClosedRange<UInt64> {
      let found = Box()
      Laboratory(seed: seed).run { client in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<4 {
            group.addTask {
              let connection = try await client.connect()
              for _ in 0..<20 {
                let replies = try await connection.send([.increment("n"), .increment("n")], deadline: .distantFuture)
                if try replies[1].integer != replies[0].integer + 1 { found.keys.append("") }
              }
            }
          }
          try await group.waitForAll()
        }
      }
      interleaved += found.keys.count
    }
    #expect(interleaved > 0)
  }
}
