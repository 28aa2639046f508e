/// One operation of a history, as its client saw it.
public struct HistoryOperation<Operation: Sendable, Output: Sendable>: Sendable {
  /// What became of an operation.
  public enum Outcome: Sendable {
    /// It was answered, at this moment.
    case answered(Output, at: Int)
    /// Nobody knows: it may have happened at any moment since its invocation, may still happen, or never.
    case unknown
  }

  /// Who asked.
  public var client: String
  /// What was asked.
  public var operation: Operation
  /// When it was asked, in a unit of the caller's: nanoseconds, or the line of a log.
  public var invoked: Int
  /// What became of it.
  public var outcome: Outcome

  /// An operation.
  ///
  /// - Precondition: it was not answered before it was invoked. One that is answered at the moment at which another is
  ///   invoked overlaps it.
  public init(client: String, operation: Operation, invoked: Int, outcome: Outcome) {
    if case .answered(_, let moment) = outcome {
      precondition(
        moment >= invoked, "an operation of \(client) is answered at \(moment), before it began at \(invoked)")
    }
    self.client = client
    self.operation = operation
    self.invoked = invoked
    self.outcome = outcome
  }

  /// An operation that was answered.
  public init(client: String, _ operation: Operation, _ output: Output, from invoked: Int, to answered: Int) {
    self.init(client: client, operation: operation, invoked: invoked, outcome: .answered(output, at: answered))
  }

  /// What was answered, if anything was.
  public var output: Output? {
    if case .answered(let output, _) = outcome { output } else { nil }
  }

  /// When it was answered, if it was.
  public var answered: Int? {
    if case .answered(_, let moment) = outcome { moment } else { nil }
  }
}
