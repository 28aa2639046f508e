/// The version of an item rises with every change of its row, so that an optimistic writer sees any change.
public struct VersionsRise: StoreChecker {
  /// That a version rises with its row.
  public let invariants: Set<Invariant> = [.versionRises]

  /// A checker; it keeps nothing from commit to commit.
  public init() {}

  /// Compares the versions before and after of each item that `commit` changed.
  public func judge(_ commit: StoreCommit, in shadow: InventoryShadow) -> Violation? {
    for change in commit.items {
      guard let old = change.old, let new = change.new, old != new else { continue }
      if new.version <= old.version {
        return Violation(.versionRises, ["was: \(old)", "is:  \(new)"])
      }
    }
    return nil
  }
}
