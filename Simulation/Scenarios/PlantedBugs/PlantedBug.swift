public import Checkers

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
    /// Every second read of a product is answered as the one before it was.
    case rememberedReads
  }

  /// What happens to commands on their way to the cache.
  public enum CacheSabotage: Sendable, Hashable {
    /// Invalidations are answered and not sent.
    case swallowsInvalidations
    /// Invalidations that could not be sent at once are answered and not sent.
    case forgetsOwedInvalidations
    /// A value is stored whether or not its lease stands.
    case fillsWithoutLease
    /// Every lease has the same claim.
    case leasesAreAlike
    /// Values do not expire.
    case fillsForEver
    /// The time-outs of requests are ignored.
    case waitsForAnswers
  }

  /// What happens to the orders' calls of other services: what a careless client of them believes.
  public enum CallSabotage: Sendable, Hashable {
    /// A reservation is taken for confirmed without asking.
    case confirmsWithoutAsking
    /// A reservation is taken for released without asking.
    case releasesWithoutAsking
    /// Only the first line of an order is reserved.
    case reservesFirstLineOnly
    /// A payment is taken for refunded without asking.
    case refundsWithoutAsking
    /// A charge without an answer is taken for declined.
    case takesLostChargeForDeclined
    /// Half of the price is charged.
    case chargesHalf
    /// A declined charge is taken for captured.
    case takesDeclineForCapture
    /// A refusal is taken for a failure: it is tried again, and opens the circuit.
    case refusalsAreFailures
    /// A circuit that has opened does not close for a day.
    case breakerStaysOpen
    /// Nothing is released after a reserve without an answer.
    case forgetsLateReserves
    /// A reserve without an answer is taken for one that cannot have happened.
    case takesLostReserveForNone
  }

  /// What happens to messages on their way to the broker and from it.
  public enum BrokerSabotage: Sendable, Hashable {
    /// Every tenth message is said to be confirmed, and not sent.
    case confirmsWithoutSending
    /// Deliveries are acknowledged before they are handled.
    case acknowledgesBeforeHandling
    /// Each copy of an event has an id of its own.
    case freshMessageIds
  }

  /// A change of the HTTP answers on their way to the client: a service or proxy that says something else.
  public struct AnswerRewrite: Sendable, Hashable {
    /// What the request's method and path contain: `POST /inventory/confirm`.
    public var request: String
    /// In its answer's body this becomes `replacement`, where it occurs first.
    public var fragment: String
    public var replacement: String

    /// In the answers to requests with `request` in their method and path, `fragment` becomes `replacement`.
    public init(to request: String, replace fragment: String, with replacement: String) {
      self.request = request
      self.fragment = fragment
      self.replacement = replacement
    }
  }

  /// The name on the command line, in kebab case.
  public private(set) var name: String
  /// What is broken, in one line.
  public private(set) var summary: String
  /// The scenarios that are to find it, each of them, the likeliest first.
  public private(set) var scenarios: [String]
  /// The invariants of which one must be reported broken. Any other finding is another bug than the planted one, or a
  /// checker that is wrong.
  public private(set) var expected: Set<Invariant>
  /// Whether the expected invariants' checkers judge alone, because another finds the bug before they would.
  public private(set) var isJudgedAlone = false
  /// Rewrites of the statements.
  public var rewrites: [StatementRewrite] = []
  /// Statements after which the transaction is committed and another begun.
  public var splitsAfter: String?
  /// What is done to the schema before the run.
  public var schemaChanges: [String] = []
  public var commits: CommitSabotage?
  public var requests: RequestSabotage?
  public var answers: [AnswerRewrite] = []
  public var cache: Set<CacheSabotage> = []
  public var calls: Set<CallSabotage> = []
  public var broker: Set<BrokerSabotage> = []
  /// What the statements contain that are answered and not sent.
  public var swallows: String?
  /// Whether the database's answer to who asks for one product's row is what the cache holds of it, where it holds
  /// something.
  public var asksCacheForRows = false

  /// A bug that each of `scenarios` finds, by one of `expected`.
  public init(
    _ name: String, _ summary: String, foundBy scenarios: [String] = ["inventory-chaos"], as expected: Set<Invariant>,
    rewrites: [StatementRewrite] = []
  ) {
    self.name = name
    self.summary = summary
    self.scenarios = scenarios
    self.expected = expected
    self.rewrites = rewrites
  }

  /// Whether `report` says what the bug is expected to break.
  public func isFound(by report: RunReport) -> Bool { report.invariant.map(expected.contains) ?? false }

  /// Whether `checker` judges runs with this bug.
  func isJudged(by checker: any Checker) -> Bool { !isJudgedAlone || !expected.isDisjoint(with: checker.invariants) }

  /// The same bug under another name, found by the checkers of `expected` alone.
  func judgedAlone(
    _ name: String, _ summary: String, foundBy scenarios: [String], as expected: Set<Invariant>
  ) -> PlantedBug {
    var alone = self
    alone.name = name
    alone.summary = summary
    alone.scenarios = scenarios
    alone.expected = expected
    alone.isJudgedAlone = true
    return alone
  }

  /// The same bug, sought in `names` alone; `nil` when none of them is to find it.
  public func sought(in names: [String]) -> PlantedBug? {
    var bug = self
    bug.scenarios = scenarios.filter(names.contains)
    return bug.scenarios.isEmpty ? nil : bug
  }

  /// The bug with one more change.
  func with(_ change: (inout PlantedBug) -> Void) -> PlantedBug {
    var changed = self
    change(&changed)
    return changed
  }
}
