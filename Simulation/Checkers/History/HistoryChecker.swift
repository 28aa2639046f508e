/// An invariant between what clients were told and what the tables say; judged at the moment a client learns its answer.
public protocol HistoryChecker: Checker, AnyObject {
  /// Judges one answer with the tables as they are now.
  func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation?
}

/// Every invariant on what clients are told.
public enum HistoryCheckers {
  /// Fresh checkers for one run.
  ///
  /// - Parameters:
  ///   - staleness: how old an answer may be; nothing is old without a cache.
  ///   - answerLimit: within which every request is to be answered; none by default.
  public static func make(
    staleness: Staleness = .none, answeredWithin answerLimit: Duration? = nil
  ) -> [any HistoryChecker] {
    [
      AcknowledgedIsStored(), RetryIsTheSameRequest(), RefusalsAreTrue(), RefusalsAreNotFailures(),
      VersionsAreWonOnce(), AggregatesAreTrue(staleness: staleness), ExpiryIsCounted(),
      StaleReadsAreBounded(staleness: staleness), AnswersComeInTime(limit: answerLimit),
    ]
  }
}
