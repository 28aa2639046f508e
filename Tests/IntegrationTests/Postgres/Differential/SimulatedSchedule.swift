import Seams
import SimulatedNetwork
import SimulatedPostgres
import SimulationKernel
import Synchronization

/// Plays a recorded schedule on the simulated engine.
///
/// Between two steps virtual time moves by far more than a round trip and the deadlock time-out take together, so that
/// every statement has ended or waits.
struct SimulatedSchedule {
  private static let settling = Duration.seconds(5)

  func play(_ steps: [Step], sessions count: Int, seed: UInt64) throws -> Transcript {
    let kernel = SimulationKernel(seed: seed)
    let network = Network(kernel: kernel)
    var options = SimulatedPostgresOptions()
    options.rowOrder = .heap
    let server = SimulatedPostgresServer(host: kernel.host("database"), network: network, options: options)
    try server.setUp(DifferentialSchema.script)
    let transcript = Mutex(Transcript(steps: steps))
    let outcome = kernel.run { process in
      var sessions: [any SQLConnection] = []
      let deadline = MonotonicInstant.distantFuture
      for _ in 0..<count {
        sessions.append(try await server.connector(for: process).connect(deadline: deadline))
      }
      let players = sessions
      let pids = players.compactMap { ($0 as? SimulatedPostgresConnection)?.backendPID }
      let ended = Mutex<[Int: StepOutcome]>([:])
      var waiting: Set<Int> = []
      for step in steps {
        // The engines differ already: here the session still waits. What follows would compare nothing.
        if waiting.contains(step.session) { return }
        process.spawn("step") {
          let connection = players[step.session]
          let outcome: StepOutcome
          do {
            let result = try await connection.execute(SQLStatement(trusted: step.sql), deadline: deadline)
            outcome = StepOutcome(result, connection.status)
          } catch let error as SQLError {
            outcome = StepOutcome(error, connection.status)
          }
          ended.withLock { $0[step.session] = outcome }
        }
        try await process.clock.sleep(
          until: process.clock.now.advanced(by: SimulatedSchedule.settling), tolerance: nil)
        var observation = Observation()
        observation.ended = ended.withLock { ended in
          defer { ended = [:] }
          return ended
        }
        for wait in server.waits() {
          guard let waiter = pids.firstIndex(of: wait.pid) else { continue }
          observation.waits[waiter] = Set(wait.blockedBy.compactMap { pids.firstIndex(of: $0) }).sorted()
        }
        waiting.insert(step.session)
        waiting.subtract(observation.ended.keys)
        transcript.withLock { $0.observations.append(observation) }
      }
      // A session may have failed where the real one did not: another looks.
      let monitor = try await server.connector(for: process).connect(deadline: deadline)
      for table in DifferentialSchema.tables {
        let result = try await monitor.execute(SQLStatement(trusted: table), deadline: deadline)
        transcript.withLock { transcript in
          transcript.contents += result.rows.map { row in row.values.map { "\($0)" }.joined(separator: ", ") }
        }
      }
    }
    kernel.reap()
    guard case .finished = outcome else {
      throw ConformanceFailure("the simulated run of seed \(seed) ended with \(outcome)")
    }
    return transcript.withLock { $0 }
  }
}
