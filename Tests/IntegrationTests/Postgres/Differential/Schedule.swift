import Seams

/// One statement of one session.
struct Step: Sendable, Hashable, CustomStringConvertible {
  var session: Int
  var sql: String

  var description: String { "s\(session): \(sql)" }
}

/// What a statement came to, without what two engines may tell apart: the order of rows, the wording of errors.
enum StepOutcome: Sendable, Hashable, CustomStringConvertible {
  case rows([String], count: Int, SQLConnectionStatus)
  case error(SQLState?, SQLConnectionStatus)

  init(_ result: SQLResult, _ status: SQLConnectionStatus) {
    let rows = result.rows.map { row in row.values.map { "\($0)" }.joined(separator: ", ") }
    self = .rows(rows.sorted(), count: result.rowCount, status)
  }

  init(_ error: any Error, _ status: SQLConnectionStatus) {
    self = .error((error as? SQLError)?.sqlState, status)
  }

  var isDeadlock: Bool {
    if case .error(.deadlockDetected?, _) = self { true } else { false }
  }

  var description: String {
    switch self {
    case .rows(let rows, let count, let status):
      "\(count) rows\(rows.isEmpty ? "" : " [\(rows.joined(separator: " | "))]"), \(status)"
    case .error(let state, let status): "ERROR \(state?.description ?? "without SQLSTATE"), \(status)"
    }
  }
}

/// Where everybody stands once a step has had its effect.
struct Observation: Sendable, Hashable, CustomStringConvertible {
  /// The statements that ended in this step, by session: the one that was sent, and those that it let go on.
  var ended: [Int: StepOutcome] = [:]
  /// The sessions that wait, with those that they wait for.
  var waits: [Int: [Int]] = [:]

  var description: String {
    let outcomes = ended.sorted { $0.key < $1.key }.map { "s\($0.key) \($0.value)" }
    let waiting = waits.sorted { $0.key < $1.key }.map { waiter, blockers in
      "s\(waiter) waits for \(blockers.map { "s\($0)" }.joined(separator: ", "))"
    }
    return (outcomes + waiting).joined(separator: "; ")
  }
}

/// A schedule and what one engine made of it.
struct Transcript: Sendable {
  var steps: [Step] = []
  var observations: [Observation] = []
  /// The rows of every table at the end.
  var contents: [String] = []
  struct Difference: CustomStringConvertible {
    /// The number of steps that agree.
    var step: Int
    var description: String
  }

  /// The first place where the two differ; `nil` when they agree.
  func firstDifference(from other: Transcript) -> Difference? {
    for index in 0..<min(observations.count, other.observations.count) {
      let (mine, theirs) = (observations[index], other.observations[index])
      if mine != theirs {
        return Difference(
          step: index, description: "step \(index + 1), \(steps[index]):\n    \(mine)\n    \(theirs)")
      }
    }
    if contents != other.contents {
      return Difference(
        step: observations.count,
        description: "the tables at the end:\n    \(contents.joined(separator: " | "))\n    "
          + other.contents.joined(separator: " | "))
    }
    return nil
  }

  var rendered: String {
    zip(steps, observations).enumerated().map { index, pair in
      "  \(index + 1). \(pair.0)\n       \(pair.1)"
    }.joined(separator: "\n") + "\n  contents: " + contents.joined(separator: " | ")
  }
}

enum DifferentialSchema {
  /// Tables with everything that makes statements wait or fail: keys, a second unique key, a foreign key, CHECKs.
  static let script = """
    CREATE TABLE products (id integer PRIMARY KEY, sku integer NOT NULL CONSTRAINT products_sku UNIQUE,
      quantity integer NOT NULL, reserved integer NOT NULL,
      CONSTRAINT products_stock CHECK (reserved >= 0 AND reserved <= quantity));
    CREATE TABLE lines (id integer PRIMARY KEY, product_id integer REFERENCES products (id),
      units integer NOT NULL CONSTRAINT lines_units CHECK (units > 0));
    INSERT INTO products (id, sku, quantity, reserved) VALUES (1, 10, 5, 0), (2, 20, 3, 1), (3, 30, 2, 2);
    INSERT INTO lines (id, product_id, units) VALUES (1, 1, 1), (2, 2, 2);
    """
  static let tables = ["SELECT * FROM products ORDER BY id", "SELECT * FROM lines ORDER BY id"]
}
