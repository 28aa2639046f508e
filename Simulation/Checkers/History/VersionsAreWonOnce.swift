/// An optimistic update wins its version once: of all that read version N, at most one is acknowledged.
public final class VersionsAreWonOnce: HistoryChecker {
  private var winners: [String: ClientRecord] = [:]

  /// That one writer wins a version.
  public let invariants: Set<Invariant> = [.oneWriterWins]

  /// A checker that remembers who won each version.
  public init() {}

  /// Looks whether the version that an acknowledged update was based on was won before.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard case .put(let productId, _, let version) = record.operation else { return nil }
    guard record.answer.status < 300 else { return nil }
    guard let winner = winners.updateValue(record, forKey: "\(productId) \(version)") else { return nil }
    return Violation(.oneWriterWins, [winner.line, record.line])
  }
}
