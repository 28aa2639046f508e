/// What an operating error allows its caller to do.
public enum FailureDisposition: Sendable, Hashable {
  /// Nothing took effect: the same operation may be done again.
  case retryable
  /// It is unknown whether the operation took effect: read back or repeat idempotently.
  case ambiguous
  /// The same operation will fail again.
  case permanent
}
