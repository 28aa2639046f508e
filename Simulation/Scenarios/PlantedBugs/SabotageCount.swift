/// How often a run's planted bug changed something that crossed a seam.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class SabotageCount: @unchecked Sendable {
  private(set) var changes = 0

  func add() { changes += 1 }
}
