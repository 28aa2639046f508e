/// An invariant on the committed tables: it holds after every commit, or when everything has come to rest.
public protocol StoreChecker: Checker, Sendable {
  /// Judges the tables after `commit`, which is already in `shadow`.
  func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation?
  /// Judges the tables once every reservation has ended and nothing is under way.
  func judgeAtRest(_ shadow: InventoryShadow) -> Violation?
}

extension StoreChecker {
  /// Finds nothing: for checkers that judge at rest only.
  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? { nil }
  /// Finds nothing: for checkers that judge commits only.
  public func judgeAtRest(_ shadow: InventoryShadow) -> Violation? { nil }
}

/// Every invariant on the tables.
public enum StoreCheckers {
  /// One of each, in the order in which they judge a commit.
  public static let all: [any StoreChecker] = [
    StockConserved(), ReservationEndsOnce(), ExpiryIsRespected(), VersionsRise(), EventsTellEveryChange(),
    ReplenishedOnce(), NothingHeldAtRest(),
  ]
}
