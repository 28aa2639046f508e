import DequeModule

/// What the latest writes have overwritten, for a fail-over to a replica that lacks them.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class ReplicationLog: @unchecked Sendable {
  private struct Change {
    var keyspace: Keyspace
    var key: [UInt8]
    var previous: Entry?
  }

  /// How many writes could be lost; 0 keeps no log.
  private let capacity: Int
  private var writes: Deque<[Change]> = []
  private var current: [Change] = []

  init(capacity: Int) { self.capacity = capacity }

  var isKept: Bool { capacity > 0 }

  /// Notes what `key` held before the write under way.
  func note(_ keyspace: Keyspace, _ key: [UInt8], _ previous: Entry?) {
    guard isKept else { return }
    current.append(Change(keyspace: keyspace, key: key, previous: previous))
  }

  /// A command, a transaction or a script is done: what it wrote reaches replicas as one.
  func endWrite() {
    guard !current.isEmpty else { return }
    writes.append(current)
    current = []
    if writes.count > capacity { writes.removeFirst() }
  }

  /// Undoes the latest writes.
  ///
  /// - Returns: how many were undone.
  func lose(_ count: Int) -> Int {
    var lost = 0
    while lost < count, let changes = writes.popLast() {
      for change in changes.reversed() { change.keyspace.restore(change.key, change.previous) }
      lost += 1
    }
    return lost
  }

  func removeAll() {
    writes = []
    current = []
  }
}
