import Postgres
import Seams
import SeamsLive
import Synchronization

/// Plays a schedule on real PostgreSQL, drawing each step for the state that the last one led to.
///
/// After each step it waits until every statement has ended or waits for a lock, as `pg_blocking_pids()` shows. Each
/// session's `deadlock_timeout` is 1 ms, and a wait counts only once `pg_locks.waitstart` is well past that: so every
/// earlier waiter has looked for a deadlock in vain when the next statement is sent, and the session that closes a
/// cycle is the one that finds it. That is how the simulated engine's victim is the same.
struct LiveSchedule {
  private final class Session: Sendable {
    let connection: PostgresConnection
    let ended = Mutex<StepOutcome?>(nil)

    init(_ connection: PostgresConnection) { self.connection = connection }
  }

  let database: LiveDatabase
  /// How long a wait must have lasted before it is believed: milliseconds.
  let patience: Int

  func play(_ generator: ScheduleGenerator) async throws -> Transcript {
    var generator = generator
    let monitor = try await database.connector.open(deadline: LiveDatabase.soon())
    defer { monitor.close() }
    try await reset(monitor)
    var sessions: [Session] = []
    defer { for session in sessions { session.connection.close() } }
    for _ in 0..<generator.sessions {
      let connection = try await database.connector.open(deadline: LiveDatabase.soon())
      sessions.append(Session(connection))
      _ = try await connection.execute("SET deadlock_timeout = '1ms'", deadline: LiveDatabase.soon())
    }
    let players = sessions
    return try await withThrowingTaskGroup(of: Void.self) { group in
      var transcript = Transcript()
      var waits: [Int: [Int]] = [:]
      while let step = nextStep(&generator, transcript, players, waits) {
        group.addTask { await LiveSchedule.run(step, players[step.session]) }
        let before = Set(waits.keys)
        let observation = try await settle(before.union([step.session]), players, monitor)
        waits = observation.waits
        transcript.steps.append(step)
        transcript.observations.append(observation)
      }
      try await group.waitForAll()
      transcript.contents = try await contents(monitor)
      return transcript
    }
  }

  private func nextStep(
    _ generator: inout ScheduleGenerator, _ transcript: Transcript, _ sessions: [Session], _ waits: [Int: [Int]]
  ) -> Step? {
    let ready = sessions.indices.filter { waits[$0] == nil }
      .map { (session: $0, status: sessions[$0].connection.status) }
    if transcript.steps.count < generator.length { return generator.next(ready) }
    // The end: whoever is in a transaction commits, until nobody is.
    guard let open = ready.first(where: { $0.status != .idle }) else { return nil }
    return Step(session: open.session, sql: open.session % 2 == 0 ? "COMMIT" : "ROLLBACK")
  }

  private static func run(_ step: Step, _ session: Session) async {
    let outcome: StepOutcome
    do {
      let result = try await session.connection.execute(
        SQLStatement(trusted: step.sql), deadline: LiveDatabase.soon())
      outcome = StepOutcome(result, session.connection.status)
    } catch {
      outcome = StepOutcome(error, session.connection.status)
    }
    session.ended.withLock { $0 = outcome }
  }

  /// Waits until every one of `busy` has ended or stands in a queue, twice the same.
  private func settle(
    _ busy: Set<Int>, _ sessions: [Session], _ monitor: PostgresConnection
  ) async throws -> Observation {
    var observation = Observation()
    var busy = busy
    var last: [Int: [Int]] = [:]
    let limit = LiveDatabase.soon()
    while true {
      for session in busy {
        if let outcome = sessions[session].ended.withLock({ $0 }) {
          sessions[session].ended.withLock { $0 = nil }
          observation.ended[session] = outcome
          busy.remove(session)
        }
      }
      if busy.isEmpty { return observation }
      let waits = try await waits(of: busy.sorted(), sessions, monitor)
      // All of them waiting is a circle that the server has yet to break.
      if waits.count == busy.count, waits.count < sessions.count, waits == last {
        observation.waits = waits
        return observation
      }
      last = waits
      guard database.clock.now < limit else { throw ConformanceFailure("sessions \(busy.sorted()) never came to rest") }
    }
  }

  /// Those of `busy` that have waited long enough, with whom they wait for.
  private func waits(
    of busy: [Int], _ sessions: [Session], _ monitor: PostgresConnection
  ) async throws -> [Int: [Int]] {
    let pids = sessions.map { Int($0.connection.backendPID) }
    let result = try await monitor.execute(
      """
      SELECT p AS pid, pg_blocking_pids(p) AS blockers FROM unnest(\(busy.map { pids[$0] })::int[]) AS t(p)
      WHERE EXISTS (SELECT 1 FROM pg_locks AS l WHERE NOT l.granted AND l.pid = p
        AND clock_timestamp() - l.waitstart > \(patience) * interval '1 ms')
      """, deadline: LiveDatabase.soon())
    var waits: [Int: [Int]] = [:]
    for row in result.rows {
      let pid: Int = try row.decode("pid")
      let blockers: [Int] = try row.decode("blockers")
      guard let waiter = pids.firstIndex(of: pid), !blockers.isEmpty else { continue }
      waits[waiter] = Set(blockers.compactMap { pids.firstIndex(of: $0) }).sorted()
    }
    return waits
  }

  private func reset(_ monitor: PostgresConnection) async throws {
    try await monitor.executeScript(
      "DROP TABLE IF EXISTS lines; DROP TABLE IF EXISTS products; " + DifferentialSchema.script,
      deadline: LiveDatabase.soon())
  }

  private func contents(_ monitor: PostgresConnection) async throws -> [String] {
    var lines: [String] = []
    for table in DifferentialSchema.tables {
      let result = try await monitor.execute(SQLStatement(trusted: table), deadline: LiveDatabase.soon())
      lines += result.rows.map { row in row.values.map { "\($0)" }.joined(separator: ", ") }
    }
    return lines
  }
}
