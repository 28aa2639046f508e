import Foundation
import Reporting

/// Orders, inventory and the payments sandbox as running processes, and what their databases tell of a phase.
struct OrdersDeployment {
  /// What came of a phase.
  struct Phase: CustomStringConvertible {
    var outcome: KeepAliveClient.Outcome
    /// Sagas that came to their end while orders were created, and how long that was, in seconds.
    var settledMeanwhile: Int
    var seconds: Double
    /// Sagas that came to their end afterwards, and how long that took, in seconds.
    var settledAfterwards: Int
    var drainSeconds: Double
    /// Orders in a transaction of creates, and steps in one of sagas' records, on average.
    var createsPerTransaction: Double
    var recordsPerTransaction: Double

    var description: String {
      """
      \(Quantity.count(settledMeanwhile)) sagas ended meanwhile (\(rate(settledMeanwhile, seconds)) per second), \
      \(Quantity.count(settledAfterwards)) in the \(Quantity.duration(seconds: drainSeconds)) after it \
      (\(rate(settledAfterwards, drainSeconds)) per second); \(Quantity.fixed(createsPerTransaction, 1)) creates and \
      \(Quantity.fixed(recordsPerTransaction, 1)) records of sagas in a transaction
      """
    }

    private func rate(_ count: Int, _ seconds: Double) -> String {
      Quantity.number(Double(count) / max(seconds, 0.001))
    }
  }

  /// How long sagas are waited for after a phase.
  private static let drainLimit = Duration.seconds(600)

  /// The port of the orders service.
  let port: UInt16
  /// What its callers show.
  let token = UUID().uuidString
  private let database: BenchDatabase
  /// In the order in which they stop.
  private let services: [ServiceProcess]

  /// Starts the services on databases that are migrated and seeded.
  ///
  /// - Throws: ``KeepAliveClient/Failure`` when one is not ready in time.
  init(orders: BenchDatabase, inventory: BenchDatabase) throws {
    database = orders
    var running: [ServiceProcess] = []
    do {
      running.append(try ServiceProcess("payments", ["SERVICE_TOKEN": token]))
      running.append(try ServiceProcess("inventory", ["DATABASE_URL": inventory.url]))
      running.append(
        try ServiceProcess(
          "orders",
          [
            "DATABASE_URL": orders.url, "SERVICE_TOKEN": token,
            "PAYMENTS_SERVICE_URL": "http://127.0.0.1:\(running[0].port)",
            "INVENTORY_SERVICE_URL": "http://127.0.0.1:\(running[1].port)",
          ]))
    } catch {
      for service in running.reversed() { service.stop() }
      throw error
    }
    port = running[2].port
    services = running.reversed()
  }

  /// Ends the services.
  func stop() {
    for service in services { service.stop() }
  }

  /// Runs a phase, then waits until no saga is left.
  ///
  /// - Throws: what the phase throws; ``KeepAliveClient/Failure`` when sagas do not come to their ends.
  func measure(_ phase: () throws -> KeepAliveClient.Outcome) throws -> Phase {
    let clock = ContinuousClock()
    let start = try database.query("SELECT clock_timestamp()")
    let before = try settled()
    let began = clock.now
    let outcome = try phase()
    let ended = clock.now
    let meanwhile = try settled()
    let counted = clock.now
    while try number("SELECT count(*) FROM orders WHERE lease_until IS NOT NULL") > 0 {
      guard ended.duration(to: clock.now) < Self.drainLimit else {
        throw KeepAliveClient.Failure(description: "sagas did not come to their ends within \(Self.drainLimit)")
      }
      usleep(200_000)
    }
    let drained = clock.now
    func size(_ table: String, _ time: String, _ condition: String) throws -> Double {
      try number(
        """
        SELECT count(*) / greatest(count(DISTINCT \(time)), 1)::float8 FROM \(table)
        WHERE \(time) >= '\(start)' AND \(condition)
        """)
    }
    return Phase(
      outcome: outcome, settledMeanwhile: meanwhile - before, seconds: began.duration(to: counted) / .seconds(1),
      settledAfterwards: try settled() - meanwhile, drainSeconds: counted.duration(to: drained) / .seconds(1),
      createsPerTransaction: try size("orders", "created_at", "true"),
      recordsPerTransaction: try size("order_history", "at", "status <> 'PENDING'"))
  }

  /// Compares what is stored with what was answered.
  ///
  /// - Returns: what was found, for the report.
  /// - Throws: ``KeepAliveClient/Failure`` when an order is missing or too many, or did not come to CONFIRMED.
  func check(_ outcomes: [KeepAliveClient.Outcome]) throws -> String {
    let answered = outcomes.map(\.succeeded).reduce(0, +)
    let refused = outcomes.reduce(into: [Int: Int]()) { $0.merge($1.refused) { $0 + $1 } }
    let stored = Int(try number("SELECT count(*) FROM orders"))
    let ends = try database.query(
      "SELECT string_agg(number || ' ' || status || coalesce(' ' || failure_code, ''), ', ' ORDER BY number DESC) FROM "
        + "(SELECT status, failure_code, count(*) AS number FROM orders GROUP BY status, failure_code) AS ends")
    let found = "\(answered) orders were answered 202, \(stored) are stored: \(ends)"
    guard stored == answered, refused.isEmpty, ends == "\(stored) CONFIRMED" else {
      throw KeepAliveClient.Failure(description: found + (refused.isEmpty ? "" : "; other statuses: \(refused)"))
    }
    return "check: \(found)"
  }

  private func settled() throws -> Int {
    Int(try number("SELECT count(*) FROM orders WHERE saga_state = 'done'"))
  }

  private func number(_ statement: String) throws -> Double {
    let text = try database.query(statement)
    guard let number = Double(text) else { throw KeepAliveClient.Failure(description: "\(statement): \(text)") }
    return number
  }
}
