/// An invariant between what clients were told and what the tables say; judged at the moment a client learns its answer.
public protocol HistoryChecker: Checker, AnyObject {
  /// Judges one answer with the tables as they are now.
  func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation?
  /// Learns of a request that is over.
  func note(_ request: ClientRequest)
  /// Judges the whole history, once nothing is under way any more.
  func judgeAtRest(_ shadow: InventoryShadow) -> Violation?
}

extension HistoryChecker {
  public func note(_ request: ClientRequest) {}
  public func judgeAtRest(_ shadow: InventoryShadow) -> Violation? { nil }
}

/// Every invariant on what clients are told.
public enum HistoryCheckers {
  /// Fresh checkers for one run.
  ///
  /// - Parameters:
  ///   - fromTheStart: whether they see the run from its start, with nothing that was committed lost.
  ///   - staleness: how old an answer may be; nothing is old without a cache.
  ///   - answerLimit: within which every request is to be answered; none by default.
  public static func make(
    fromTheStart: Bool = true, staleness: Staleness = .none, answeredWithin answerLimit: Duration? = nil
  ) -> [any HistoryChecker] {
    let always: [any HistoryChecker] = [
      AcknowledgedIsStored(), RetryIsTheSameRequest(), RefusalsAreTrue(), RefusalsAreNotFailures(),
      VersionsAreWonOnce(), AggregatesAreTrue(staleness: staleness), ExpiryIsCounted(),
      StaleReadsAreBounded(staleness: staleness), AnswersComeInTime(limit: answerLimit),
    ]
    return fromTheStart ? always + [StockIsLinearizable(judgesReads: staleness == .none)] : always
  }
}
