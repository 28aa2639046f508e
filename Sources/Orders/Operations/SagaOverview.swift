import FoundationEssentials
import Seams
import ServiceKit

/// Which sagas an operator asks for.
enum SagaFilter: String, Sendable, Hashable, CaseIterable {
  case forward, compensating, stuck, done
  /// Sagas of orders that came to nothing, whoever's fault it was.
  case failed
  /// Forward or compensating: whatever goes on by itself.
  case running
  /// All but those that are done.
  case open
}

/// A saga as its operator sees it: where it stands, and what keeps it.
struct SagaOverview: Sendable, Hashable {
  var orderId: UUID
  var userId: String
  var status: OrderStatus
  var state: SagaState
  var step: SagaStep
  /// How often the step was called.
  var attempts: Int
  /// Answers in a row with which nobody can go on.
  var refusals: Int
  /// What the step failed with last.
  var error: String?
  /// Why the order came to nothing.
  var failure: OrderFailure?
  /// What asked the saga to turn round.
  var stopReason: String?
  /// When anybody may go on with it; `nil` when somebody drives it, or nothing is left to do.
  var nextAttemptAt: Timestamp?
  /// Whether an instance drives it, as far as its lease says.
  var isDriven: Bool
  var createdAt: Timestamp
  var updatedAt: Timestamp

  /// From a row of ``OperationsSQL``.
  init(row: SQLRow) throws {
    orderId = try row.decode("id")
    userId = try row.decode("user_id")
    status = try OrderStatus(column: row.decode("status"))
    state = try SagaState(column: row.decode("saga_state"), named: "saga_state")
    step = try SagaStep(column: row.decode("saga_step"), named: "saga_step")
    attempts = try row.decodeIfPresent("attempts") ?? 0
    refusals = try row.decode("saga_refusals")
    error = try row.decodeIfPresent("error")
    if let code = try row.decodeIfPresent("failure_code", as: String.self) {
      failure = OrderFailure(code: code, detail: try row.decodeIfPresent("failure_detail") ?? "")
    }
    stopReason = try row.decodeIfPresent("stop_reason")
    let leaseUntil: Timestamp? = try row.decodeIfPresent("lease_until")
    isDriven = try row.decode("is_driven")
    nextAttemptAt = isDriven ? nil : leaseUntil
    createdAt = try row.decode("created_at")
    updatedAt = try row.decode("updated_at")
  }
}

/// A saga and each step that it began.
struct SagaReport: Sendable, Hashable {
  /// A row of the table of steps.
  struct Step: Sendable, Hashable {
    var step: SagaStep
    /// `started`, `done`, `refused`, `failed`.
    var status: String
    var attempts: Int
    var error: String?
    var startedAt: Timestamp
    var endedAt: Timestamp?

    /// From a row of ``OperationsSQL/steps(_:)``.
    init(row: SQLRow) throws {
      step = try SagaStep(column: row.decode("step"), named: "step")
      status = try row.decode("status")
      attempts = try row.decode("attempts")
      error = try row.decodeIfPresent("error")
      startedAt = try row.decode("started_at")
      endedAt = try row.decodeIfPresent("ended_at")
    }
  }

  var saga: SagaOverview
  /// In the order in which they were begun.
  var steps: [Step]
  /// The states that the order entered, from its first on.
  var history: [Order.Entry]
  /// The database's time.
  var now: Timestamp
}

/// How many sagas and events there are for an operator to look at.
struct OperationsFigures: Sendable, Hashable {
  /// An event that the broker will never take.
  struct Refused: Sendable, Hashable {
    var id: UUID
    var type: String
    var subject: String
    var at: Timestamp
    var reason: String
  }

  var forward = 0
  var compensating = 0
  var stuck = 0
  /// Orders that failed within a day.
  var failedLately = 0
  /// Events that wait to be published.
  var waiting = 0
  /// The time of the oldest of them.
  var oldestWaiting: Timestamp?
  /// Events that were set aside.
  var refused = 0
  /// The newest of them.
  var newestRefused: [Refused] = []
  /// The database's time.
  var now: Timestamp
}

/// What became of a request to set a saga going again.
enum SagaRetryOutcome: Sendable, Hashable {
  case retried
  /// It is in a state in which nobody has to help it.
  case notStuck(SagaState)
  case notFound
}
