internal import Seams

/// A request is answered within a limit, in a run whose faults do not touch what the answer needs.
public final class AnswersComeInTime: HistoryChecker {
  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.answeredInTime]

  private let limit: Duration?

  /// - Parameter limit: the longest time; `nil` for any.
  public init(limit: Duration? = nil) { self.limit = limit }

  /// Judges how long the answer took.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard let limit else { return nil }
    let took = record.start.duration(to: record.end)
    guard took > limit else { return nil }
    return Violation(
      .answeredInTime,
      [record.line, "it took \(took.nanosecondsClamped / 1_000) µs of \(limit.nanosecondsClamped / 1_000)"])
  }
}
