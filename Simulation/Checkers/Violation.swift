/// An invariant that broke, and what shows it.
public struct Violation: Sendable, Hashable {
  /// What should have held.
  public var invariant: Invariant
  /// The rows and requests that show it.
  public var evidence: [String]

  /// The invariant `invariant` broke.
  public init(_ invariant: Invariant, _ evidence: [String]) {
    self.invariant = invariant
    self.evidence = evidence
  }
}

/// What judges a run by some invariants, which nothing else judges.
public protocol Checker {
  /// The invariants that it may find broken.
  var invariants: Set<Invariant> { get }
}
