internal import Synchronization

/// One statement as a connection knows it: its name on the server and what its text says.
final class PreparedStatement: Sendable {
  let name: String
  let text: String
  let kind: StatementKind
  /// The columns of its last result.
  private let cachedShape = Mutex<ResultShape?>(nil)

  init(name: String, text: String) {
    self.name = name
    self.text = text
    kind = StatementKind(of: text)
  }

  /// The columns of `result`, made anew only when they are not those of the last one.
  func shape(of result: LibPQResult) -> ResultShape {
    cachedShape.withLock { cached in
      if let cached, result.matches(cached) { return cached }
      let shape = result.shape
      cached = shape
      return shape
    }
  }
}

/// The statements that one connection has prepared, by text; the least recently used goes when there are too many.
///
/// Names are never used again, so that one whose fate is unknown (its answer was lost, it is being deallocated) cannot
/// be taken for another.
struct PreparedStatements {
  private struct Entry {
    var statement: PreparedStatement
    var lastUse: UInt64
  }

  private let capacity: Int
  private var entries: [String: Entry] = [:]
  private var clock: UInt64 = 0
  private var lastName: UInt64 = 0
  /// Names that the server still holds though nothing here refers to them: to be deallocated before the next call.
  private(set) var discarded: [String] = []

  /// A cache of at most `capacity` statements.
  init(capacity: Int) {
    precondition(capacity > 0, "a connection caches at least one prepared statement")
    self.capacity = capacity
  }

  var count: Int { entries.count }

  /// The prepared statement of `text`, which counts as a use.
  mutating func find(_ text: String) -> PreparedStatement? {
    clock += 1
    guard let index = entries.index(forKey: text) else { return nil }
    entries.values[index].lastUse = clock
    return entries.values[index].statement
  }

  /// A statement with a name of its own; not in the cache before ``insert(_:)``.
  mutating func make(_ text: String) -> PreparedStatement {
    lastName += 1
    return PreparedStatement(name: "s\(lastName)", text: text)
  }

  /// Takes in a statement that the server has prepared.
  mutating func insert(_ statement: PreparedStatement) {
    clock += 1
    if let old = entries.updateValue(Entry(statement: statement, lastUse: clock), forKey: statement.text) {
      discarded.append(old.statement.name)
    }
    while entries.count > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      entries[oldest.key] = nil
      discarded.append(oldest.value.statement.name)
    }
  }

  /// Forgets a statement that the server no longer has, or whose plan no longer holds.
  mutating func remove(_ statement: PreparedStatement, isOnServer: Bool) {
    if entries[statement.text]?.statement === statement { entries[statement.text] = nil }
    if isOnServer { discarded.append(statement.name) }
  }

  /// Hands over the names to deallocate.
  mutating func takeDiscarded() -> [String] {
    defer { discarded = [] }
    return discarded
  }
}
