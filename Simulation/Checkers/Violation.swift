/// An invariant that broke, and what shows it.
public struct Violation: Sendable, Hashable {
  /// The invariant, as a sentence that should have held.
  public var invariant: String
  /// The rows and requests that show it.
  public var evidence: [String]

  /// The invariant `invariant` broke.
  public init(_ invariant: String, _ evidence: [String]) {
    self.invariant = invariant
    self.evidence = evidence
  }
}
