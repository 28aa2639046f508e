/// A doubly linked list of the numbers 1 ... `count`, from which entries are lifted and to which they are put back where
/// they were, in the reverse order, in constant time.
struct LinkedEntries: Sendable {
  /// What follows the last entry.
  static let end: Int32 = 0

  private var next: [Int32]
  private var previous: [Int32]

  init(count: Int) {
    let last = Int32(count)
    next = (0...last).map { $0 == last ? Self.end : $0 + 1 }
    previous = (0...last).map { $0 == 0 ? last : $0 - 1 }
  }

  /// The first entry that is in the list.
  var first: Int32 { next[0] }

  /// The entry after one that is in the list, or was when it was lifted.
  func after(_ entry: Int32) -> Int32 { next[Int(entry)] }

  /// Takes an entry out.
  mutating func lift(_ entry: Int32) {
    let (before, after) = (previous[Int(entry)], next[Int(entry)])
    next[Int(before)] = after
    previous[Int(after)] = before
  }

  /// Puts back the entry that was lifted last of those that are out.
  mutating func unlift(_ entry: Int32) {
    let (before, after) = (previous[Int(entry)], next[Int(entry)])
    next[Int(before)] = entry
    previous[Int(after)] = entry
  }
}
