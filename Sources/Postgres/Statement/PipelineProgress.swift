internal import Seams

/// Follows the answers to what was sent on one connection, and knows at each point whether a commit may have happened.
///
/// A value without I/O: the connection feeds it one ``Answer`` after the other and does what the ``Effect`` says.
struct PipelineProgress {
  /// What was sent, in order. Each step but ``sync`` is answered by results and an end.
  enum Step {
    case deallocate
    case prepare(PreparedStatement, statement: Int)
    case execute(statement: Int)
    /// A simple query of several statements.
    case script
    case sync
  }

  enum Answer {
    /// - Parameter committed: the command tag says COMMIT.
    case success(committed: Bool)
    case failure(SQLError, isStalePlan: Bool, isFatal: Bool)
    /// Not run, because of an earlier failure.
    case skipped
    case end
    case sync
  }

  enum Effect {
    case none
    /// The server has prepared the statement.
    case prepared(PreparedStatement)
    /// The result belongs to this statement.
    case result(statement: Int)
    case complete
  }

  /// The first failure, which is what the caller is told.
  struct Failure {
    var error: SQLError
    /// Counted from 0; `nil` when the commit at the end failed.
    var statement: Int?
    var isStalePlan: Bool
    var isFatal: Bool
    var isAtCommit: Bool
  }

  private let steps: [Step]
  private let commits: CommitPoints
  private var cursor = 0
  private var succeeded = 0
  /// Whether the server has confirmed an explicit COMMIT.
  private(set) var hasCommitted = false
  private(set) var failure: Failure?

  init(steps: [Step], commits: CommitPoints) {
    precondition(!steps.isEmpty, "nothing was sent")
    self.steps = steps
    self.commits = commits
  }

  var isComplete: Bool { cursor == steps.count }

  /// Takes in the next answer.
  mutating func take(_ answer: Answer) -> Effect {
    guard cursor < steps.count else { return .complete }
    let step = steps[cursor]
    switch answer {
    case .success(let committed):
      if committed { hasCommitted = true }
      switch step {
      case .prepare(let statement, _): return .prepared(statement)
      case .execute(let statement):
        succeeded = statement + 1
        return .result(statement: statement)
      case .deallocate, .script, .sync: return .none
      }
    case .failure(let error, let isStalePlan, let isFatal):
      fail(step, error, isStalePlan: isStalePlan, isFatal: isFatal)
      return .none
    case .skipped: return .none
    case .end:
      // A failed commit is an error in the place of a sync: its end is not the sync.
      if case .sync = step { return .none }
      return advance()
    case .sync:
      // libpq answers every step, so the sync is the current one; a step that it left out is over in any case.
      while cursor < steps.count {
        if case .sync = steps[cursor] { break }
        cursor += 1
      }
      return advance()
    }
  }

  /// Whether a commit may have happened if nothing more is ever heard.
  var mayHaveCommitted: Bool {
    if hasCommitted { return true }
    guard let failure else { return !isComplete && (commits.implicit || commits.hasExplicit(from: succeeded)) }
    guard failure.isFatal else { return false }
    if failure.isAtCommit { return commits.implicit }
    return failure.statement.map { commits.explicit.contains($0) } ?? (commits.implicit || !commits.explicit.isEmpty)
  }

  private mutating func advance() -> Effect {
    cursor += 1
    return isComplete ? .complete : .none
  }

  private mutating func fail(_ step: Step, _ error: SQLError, isStalePlan: Bool, isFatal: Bool) {
    guard failure == nil else { return }
    var failure = Failure(
      error: error, statement: nil, isStalePlan: isStalePlan, isFatal: isFatal, isAtCommit: false)
    switch step {
    // A name that the server no longer has is deallocated already.
    case .deallocate: if !isFatal { return }
    case .prepare(_, let statement), .execute(let statement): failure.statement = statement
    case .script: break
    case .sync: failure.isAtCommit = true
    }
    self.failure = failure
  }
}

/// Where a sequence of statements commits.
struct CommitPoints: Equatable {
  /// The statements that are a COMMIT of an open transaction.
  var explicit: [Int] = []
  /// Whether something is written outside an explicit transaction, and so committed at the end.
  var implicit = false

  init(explicit: [Int] = [], implicit: Bool = false) {
    self.explicit = explicit
    self.implicit = implicit
  }

  /// The commits of statements of `kinds` that begin in `status`.
  init(_ kinds: some Sequence<StatementKind>, from status: SQLConnectionStatus) {
    var isOpen = status != .idle
    var isFailed = status == .inFailedTransaction
    for (index, kind) in kinds.enumerated() {
      switch kind {
      case .begin: isOpen = true
      case .commit:
        if !isFailed { explicit.append(index) }
        (isOpen, isFailed) = (false, false)
      case .rollback: (isOpen, isFailed) = (false, false)
      case .read: break
      case .write: if !isOpen { implicit = true }
      }
    }
  }

  func hasExplicit(from statement: Int) -> Bool { explicit.contains { $0 >= statement } }
}
