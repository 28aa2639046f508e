/// An optimistic update wins its version once: of all that read version N, at most one is acknowledged.
public final class VersionsAreWonOnce: HistoryChecker {
  private var winners: [String: ClientRecord] = [:]

  public init() {}

  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard case .put(let productId, _, let version) = record.operation else { return nil }
    if record.answer.code == "version_conflict", record.answer.currentVersion == version {
      return Violation("a version conflict names another version", [record.line])
    }
    guard record.answer.status < 300 else { return nil }
    guard let winner = winners.updateValue(record, forKey: "\(productId) \(version)") else { return nil }
    return Violation("one writer wins a version", [winner.line, record.line])
  }
}
