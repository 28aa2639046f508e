import Seams
import SimulatedRedis
import SimulationKernel
import Testing

@Suite struct DeterminismTests {
  /// Several clients with pipelines, scans and every fault.
  private func run(seed: UInt64) -> UInt64 {
    let laboratory = Laboratory(seed: seed) { $0.replicationLogLength = 20 }
    laboratory.server.faults.loseConnection = 0.02
    laboratory.server.faults.slowCommands = 0.02
    laboratory.server.faults.refuseConnections = 0.1
    return laboratory.run { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<5 {
          group.addTask {
            for round in 0..<40 {
              guard let connection = try? await client.connect() else { continue }
              defer { connection.close() }
              let commands: [CacheCommand] = [
                .increment("n\(round % 3)"), .set("k\(number)-\(round)", "v", expiry: .after(.seconds(1))),
                .scan(cursor: 0), CacheCommand("HSET", "h", "f\(round)", round), CacheCommand("HGETALL", "h"),
              ]
              _ = try? await connection.send(commands, deadline: client.after(.milliseconds(300)))
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func theSameSeedIsTheSameRun(_ seed: UInt64) {
    #expect(run(seed: seed) == run(seed: seed))
  }

  @Test func anotherSeedIsAnotherRun() {
    #expect(Set((1...5 as ClosedRange<UInt64>).map { run(seed: $0) }).count == 5)
  }
}
