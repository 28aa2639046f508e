internal import Logging
internal import Seams

/// Removes rows that nobody needs any more: a bounded number in each transaction, until none is left.
///
/// Several instances may do it at the same time; what one has removed the others do not find.
package struct Retention: Sendable {
  /// How long rows of one table are kept.
  package struct Rule: Sendable {
    let table: String
    let column: String
    let condition: String
    let age: Duration

    /// Rows of `table` are removed `age` after the time in `column`, which begins an index. Rows without a time stay.
    ///
    /// - Parameter condition: what else is to hold of a row that is removed.
    package init(
      _ table: StaticString, after column: StaticString, _ age: Duration, where condition: StaticString = "true"
    ) {
      (self.table, self.column, self.condition, self.age) = ("\(table)", "\(column)", "\(condition)", age)
    }
  }

  /// Events stay for a month after their publication, for whoever looks into one.
  package static let outbox = Rule("outbox", after: "published_at", .days(30))

  private let rules: [Rule]
  private let pool: SQLPool
  private let environment: ServiceEnvironment
  private let batchSize: Int

  /// - Parameter batchSize: how many rows one transaction removes; more only where they have the same time.
  package init(_ rules: [Rule], pool: SQLPool, environment: ServiceEnvironment, batchSize: Int = 1_000) {
    (self.rules, self.pool, self.environment, self.batchSize) = (rules, pool, environment, batchSize)
  }

  /// Removes old rows every ten minutes, jittered by a tenth. What fails is tried again at the next turn.
  ///
  /// - Throws: `CancellationError` when the task is cancelled.
  package func run() async throws {
    let clock = environment.clock
    while true {
      let pause = environment.entropy.jittered(.seconds(600), spread: 0.1)
      try await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
      let removed = try await removeOldRows()
      if !removed.isEmpty {
        environment.logger.info("removed old rows", metadata: removed.mapValues { .stringConvertible($0) })
      }
    }
  }

  /// Removes what is old now, with a pause of 100 ms after each full batch; each transaction may take 30 s. A rule that
  /// fails is logged and does not keep the others from their work.
  ///
  /// - Returns: how many rows of each table, of those from which any were removed.
  /// - Throws: `CancellationError`.
  package func removeOldRows() async throws -> [String: Int] {
    let clock = environment.clock
    var removed: [String: Int] = [:]
    for rule in rules {
      do {
        while true {
          let count = try await remove(rule)
          if count > 0 { removed[rule.table, default: 0] += count }
          guard count >= batchSize else { break }
          try await clock.sleep(until: clock.now.advanced(by: .milliseconds(100)), tolerance: nil)
        }
      } catch let error as SQLError {
        environment.logger.warning(
          "removing old rows failed", metadata: ["table": .string(rule.table), "error": .string("\(error)")])
      }
    }
    return removed
  }

  /// The oldest rows first, as their index has them, so that a statement does not look for them in the table.
  private func remove(_ rule: Rule) async throws -> Int {
    let old = "\(rule.column) < now() - $1::int8 * interval '1 second' AND \(rule.condition)"
    let statement = SQLStatement(
      trusted: """
        DELETE FROM \(rule.table) WHERE \(old) AND \(rule.column) <= (
          SELECT max(t) FROM (
            SELECT \(rule.column) AS t FROM \(rule.table) WHERE \(old) ORDER BY \(rule.column) LIMIT $2) AS oldest)
        """,
      parameters: [Int(rule.age.components.seconds).sqlValue, batchSize.sqlValue])
    let deadline = environment.clock.now.advanced(by: .seconds(30))
    return try await pool.retrying(deadline: deadline) { connection in
      try await connection.execute(statement, deadline: deadline).rowCount
    }
  }
}

extension Duration {
  /// Whole days of 24 hours.
  package static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}
