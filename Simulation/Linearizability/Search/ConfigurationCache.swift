/// The configurations that a search has been in: which required operations are placed, which optional ones are used up,
/// and the state that this led to.
///
/// A configuration needs no second visit, whatever order led to it (Lowe: "Testing for linearizability", 2017). Nor does
/// one that differs from a visited one only by more optional operations used up: it can do nothing the other could not.
struct ConfigurationCache<State: Hashable> {
  private struct Record {
    var state: State
    /// The next record with the same key; -1 for none.
    var next: Int32
    /// Where the words of both sets begin.
    var start: Int
    var placedBase: Int32
    var placedCount: Int32
    var usedBase: Int32
    var usedCount: Int32
  }

  private var records: [Record] = []
  private var words: [UInt64] = []
  private var heads: [UInt64: Int32] = [:]

  /// How many configurations were noted.
  var count: Int { records.count }

  /// Notes a configuration.
  ///
  /// - Parameters:
  ///   - placed: the required operations that have their place.
  ///   - digest: a hash of `placed`.
  ///   - used: the optional operations that have their place, or come too late for one.
  ///   - state: where all this led.
  /// - Returns: whether it has to be visited.
  mutating func insert(placed: WindowedBits, digest: UInt64, used: WindowedBits, state: State) -> Bool {
    let key = digest &+ UInt64(bitPattern: Int64(state.hashValue)) &* 0x9e37_79b9_7f4a_7c15
    let head = heads[key] ?? -1
    var number = head
    while number >= 0 {
      let record = records[Int(number)]
      if isSame(record, placed) && covers(record, used) && record.state == state { return false }
      number = record.next
    }
    heads[key] = Int32(records.count)
    records.append(
      Record(
        state: state, next: head, start: words.count, placedBase: Int32(placed.base),
        placedCount: Int32(placed.window.count), usedBase: Int32(used.base), usedCount: Int32(used.window.count)))
    for word in placed.window { words.append(placed.words[word]) }
    for word in used.window { words.append(used.words[word]) }
    return true
  }

  private func isSame(_ record: Record, _ placed: WindowedBits) -> Bool {
    guard record.placedBase == placed.base, record.placedCount == placed.window.count else { return false }
    for offset in 0..<Int(record.placedCount) where words[record.start + offset] != placed.words[placed.base + offset] {
      return false
    }
    return true
  }

  /// Whether the record used up no optional operation that the other has not used up as well.
  private func covers(_ record: Record, _ used: WindowedBits) -> Bool {
    let (base, start) = (Int(record.usedBase), record.start + Int(record.placedCount))
    guard base <= used.base else { return false }
    for offset in 0..<Int(record.usedCount) where words[start + offset] & ~used.words[base + offset] != 0 {
      return false
    }
    return true
  }
}
