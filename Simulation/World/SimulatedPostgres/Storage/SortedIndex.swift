/// Index entries in key order: a list of sorted chunks, which keeps insertion cheap and scans contiguous.
struct SortedIndex {
  struct Entry {
    let first: Datum
    let rest: [Datum]
    let row: HeapRow

    @inline(__always)
    func key(_ column: Int) -> Datum { column == 0 ? first : rest[column - 1] }
  }

  private final class Chunk {
    var entries: ContiguousArray<Entry>
    init(_ entries: ContiguousArray<Entry>) { self.entries = entries }
  }

  private static let capacity = 128  // entries; a chunk is never empty
  private var chunks: ContiguousArray<Chunk> = []
  let descending: [Bool]
  private(set) var count = 0

  init(descending: [Bool]) { self.descending = descending }

  /// The order of two key values in one column: NULLs last, all of it reversed when the column descends.
  @inline(__always)
  private func compare(_ left: Datum, _ right: Datum, _ column: Int) -> Int {
    let order: Int
    if left.isNull || right.isNull {
      order = left.isNull ? (right.isNull ? 0 : 1) : -1
    } else {
      order = Datum.compare(left, right)
    }
    return descending[column] ? -order : order
  }

  /// Compares an entry's leading columns with `prefix`.
  @inline(__always)
  private func compare(_ entry: Entry, prefix: [Datum]) -> Int {
    for column in prefix.indices {
      let order = compare(entry.key(column), prefix[column], column)
      if order != 0 { return order }
    }
    return 0
  }

  /// The first position whose entry is not before `prefix` (or is after it, when `after`).
  private func bound(_ prefix: [Datum], after: Bool, tie: UInt64? = nil) -> (chunk: Int, offset: Int) {
    // By pointer: an entry that is only compared is not copied.
    func isBefore(_ entry: UnsafePointer<Entry>) -> Bool {
      var order = compare(entry.pointee.first, prefix[0], 0)
      var column = 1
      while order == 0, column < prefix.count {
        order = compare(entry.pointee.rest[column - 1], prefix[column], column)
        column += 1
      }
      if order != 0 { return order < 0 }
      if let tie { return entry.pointee.row.tie < tie }
      return after
    }
    var low = 0
    var high = chunks.count
    guard !prefix.isEmpty else { return after ? (high, 0) : (0, 0) }
    while low < high {
      let middle = (low + high) >> 1
      let isBefore = chunks[middle].entries.withUnsafeBufferPointer { entries in
        entries.baseAddress.map { isBefore($0 + (entries.count - 1)) } ?? false
      }
      if isBefore { low = middle + 1 } else { high = middle }
    }
    guard low < chunks.count else { return (low, 0) }
    return chunks[low].entries.withUnsafeBufferPointer { entries in
      var left = 0
      var right = entries.count
      while let base = entries.baseAddress, left < right {
        let middle = (left + right) >> 1
        if isBefore(base + middle) { left = middle + 1 } else { right = middle }
      }
      return (low, left)
    }
  }

  private func entry(for key: [Datum], _ row: HeapRow) -> Entry {
    Entry(first: key[0], rest: key.count == 1 ? [] : Array(key[1...]), row: row)
  }

  /// Adds an entry; one that is there already stays single.
  mutating func insert(_ key: [Datum], _ row: HeapRow) {
    var (index, offset) = bound(key, after: false, tie: row.tie)
    if index == chunks.count {
      if chunks.isEmpty {
        chunks.append(Chunk([entry(for: key, row)]))
        count += 1
        return
      }
      index -= 1
      offset = chunks[index].entries.count
    }
    let chunk = chunks[index]
    if offset < chunk.entries.count, chunk.entries[offset].row === row,
      compare(chunk.entries[offset], prefix: key) == 0
    {
      return
    }
    chunk.entries.insert(entry(for: key, row), at: offset)
    count += 1
    if chunk.entries.count > SortedIndex.capacity {
      // A chunk that grows at its end (ascending keys) keeps most of its entries.
      let half = offset == chunk.entries.count - 1 ? SortedIndex.capacity * 7 / 8 : SortedIndex.capacity / 2
      let tail = ContiguousArray(chunk.entries[half...])
      chunk.entries.removeSubrange(half...)
      chunks.insert(Chunk(tail), at: index + 1)
    }
  }

  mutating func remove(_ key: [Datum], _ row: HeapRow) {
    let (index, offset) = bound(key, after: false, tie: row.tie)
    guard index < chunks.count, offset < chunks[index].entries.count, chunks[index].entries[offset].row === row,
      compare(chunks[index].entries[offset], prefix: key) == 0
    else { return }
    chunks[index].entries.remove(at: offset)
    count -= 1
    if chunks[index].entries.isEmpty { chunks.remove(at: index) }
  }

  mutating func removeAll() {
    chunks = []
    count = 0
  }

  /// Visits the entries whose leading columns equal `prefix`, in key order, until `body` returns `false`.
  @inline(__always)
  func forEach(prefix: [Datum], _ body: (Entry) throws -> Bool) rethrows {
    var (index, offset) = bound(prefix, after: false)
    while index < chunks.count {
      let chunk = chunks[index]
      while offset < chunk.entries.count {
        let entry = chunk.entries[offset]
        guard compare(entry, prefix: prefix) == 0, try body(entry) else { return }
        offset += 1
      }
      index += 1
      offset = 0
    }
  }

  /// Visits entries with `prefix` whose next column lies between the bounds, forwards or backwards.
  func forEach(
    prefix: [Datum], from lower: (Datum, inclusive: Bool)?, to upper: (Datum, inclusive: Bool)?, backwards: Bool,
    _ body: (Entry) throws -> Bool
  ) rethrows {
    let start = lower.map { bound(prefix + [$0.0], after: !$0.inclusive) } ?? bound(prefix, after: false)
    let end = upper.map { bound(prefix + [$0.0], after: $0.inclusive) } ?? bound(prefix, after: true)
    if backwards {
      var (index, offset) = end
      while true {
        if offset == 0 {
          guard index > 0 else { return }
          index -= 1
          offset = chunks[index].entries.count
        }
        offset -= 1
        if index < start.chunk || (index == start.chunk && offset < start.offset) { return }
        guard try body(chunks[index].entries[offset]) else { return }
      }
    }
    var (index, offset) = start
    while index < chunks.count, index < end.chunk || (index == end.chunk && offset < end.offset) {
      if offset == chunks[index].entries.count {
        index += 1
        offset = 0
        continue
      }
      guard try body(chunks[index].entries[offset]) else { return }
      offset += 1
    }
  }
}
