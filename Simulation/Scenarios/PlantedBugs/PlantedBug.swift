/// A mistake that is planted on purpose to see whether the simulator finds it: a rewrite of what crosses a seam. No
/// production code knows of it.
public struct PlantedBug: Sendable {
  /// What happens to COMMIT on its way to the database.
  public enum CommitSabotage: Sendable, Hashable {
    /// One COMMIT in this many is sent as ROLLBACK and answered as if it had worked.
    case rollsBackOneIn(Int)
  }

  /// What happens to HTTP requests on their way to the service.
  public enum RequestSabotage: Sendable, Hashable {
    /// Every attempt gets an Idempotency-Key of its own.
    case freshIdempotencyKeys
    /// Every second attempt to reserve is sent for another order.
    case freshOrderIds
  }

  /// The name on the command line, in kebab case.
  public let name: String
  /// What is broken, in one line.
  public let summary: String
  /// The scenarios that are to find it, the likeliest first.
  public let scenarios: [String]
  /// Rewrites of the statements.
  public var rewrites: [StatementRewrite] = []
  /// Statements after which the transaction is committed and another begun.
  public var splitsAfter: String?
  /// What is done to the schema before the run.
  public var schemaChanges: [String] = []
  public var commits: CommitSabotage?
  public var requests: RequestSabotage?

  init(
    _ name: String, _ summary: String, foundBy scenarios: [String] = ["inventory-chaos"],
    rewrites: [StatementRewrite] = []
  ) {
    self.name = name
    self.summary = summary
    self.scenarios = scenarios
    self.rewrites = rewrites
  }

  /// The bug with one more change.
  func with(_ change: (inout PlantedBug) -> Void) -> PlantedBug {
    var changed = self
    change(&changed)
    return changed
  }
}
