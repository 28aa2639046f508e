/// An invariant between what clients were told and what the tables say; judged at the moment a client learns its answer.
public protocol HistoryChecker: Checker, AnyObject {
  /// Judges one answer with the tables as they are now.
  func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation?
}

/// Every invariant on what clients are told.
public enum HistoryCheckers {
  /// Fresh checkers for one run.
  public static func make() -> [any HistoryChecker] {
    [
      AcknowledgedIsStored(), RetryIsTheSameRequest(), RefusalsAreTrue(), RefusalsAreNotFailures(),
      VersionsAreWonOnce(), AggregatesAreTrue(), ExpiryIsCounted(),
    ]
  }
}
