public import Seams

/// A request with all its attempts, from the first one to the answer that its client was satisfied with, or to its giving
/// up.
public struct ClientRequest: Sendable {
  public var client: String
  public var operation: ClientRecord.Operation
  /// Virtual time at which the first attempt was sent.
  public var start: MonotonicInstant
  /// The attempts that were sent.
  public var attempts: Int
  /// The last attempt and what it was answered; `nil` when the client gave up without an answer.
  public var answered: ClientRecord?

  /// A request that is over.
  public init(
    client: String, operation: ClientRecord.Operation, start: MonotonicInstant, attempts: Int, answered: ClientRecord?
  ) {
    self.client = client
    self.operation = operation
    self.start = start
    self.attempts = attempts
    self.answered = answered
  }
}
