/// Comparison of two values of one type, neither NULL.
extension Datum {
  /// -1, 0 or 1. Numbers of different storage classes compare by value.
  @inline(__always)
  static func compare(_ left: Datum, _ right: Datum) -> Int {
    switch (left, right) {
    case (.int(let a), .int(let b)): return a < b ? -1 : a == b ? 0 : 1
    case (.uuid(let ah, let al), .uuid(let bh, let bl)):
      if ah != bh { return ah < bh ? -1 : 1 }
      return al < bl ? -1 : al == bl ? 0 : 1
    case (.timestamp(let a), .timestamp(let b)): return a < b ? -1 : a == b ? 0 : 1
    default: return compareOther(left, right)
    }
  }

  @inline(never)
  private static func compareOther(_ left: Datum, _ right: Datum) -> Int {
    switch (left, right) {
    case (.text(let a), .text(let b)), (.json(let a), .json(let b)): return compareText(a, b)
    case (.bool(let a), .bool(let b)): return a == b ? 0 : (b ? -1 : 1)
    case (.interval(let a), .interval(let b)):
      return a.comparable < b.comparable ? -1 : a.comparable == b.comparable ? 0 : 1
    case (.bytes(let a), .bytes(let b)):
      return a.elementsEqual(b) ? 0 : (a.lexicographicallyPrecedes(b) ? -1 : 1)
    case (.array(let a), .array(let b)): return compareArrays(a, b)
    case (.double, _), (_, .double): return compareDoubles(left.doubleValue, right.doubleValue)
    case (.numeric, _), (_, .numeric): return Numeric.compare(left.numericValue, right.numericValue)
    default: preconditionFailure("no comparison between \(left) and \(right)")
    }
  }

  @inline(__always)
  static func equal(_ left: Datum, _ right: Datum) -> Bool {
    switch (left, right) {
    case (.int(let a), .int(let b)): return a == b
    case (.uuid(let ah, let al), .uuid(let bh, let bl)): return ah == bh && al == bl
    case (.text(let a), .text(let b)): return a.utf8.count == b.utf8.count && a == b
    default: return compare(left, right) == 0
    }
  }

  /// Whether both are NULL or both are equal.
  @inline(__always)
  static func identical(_ left: Datum, _ right: Datum) -> Bool {
    left.isNull || right.isNull ? left.isNull && right.isNull : equal(left, right)
  }

  /// The C collation: by bytes.
  private static func compareText(_ left: String, _ right: String) -> Int {
    if left.utf8.count == right.utf8.count, left == right { return 0 }
    var (left, right) = (left, right)
    return left.withUTF8 { a in
      right.withUTF8 { b in
        let count = min(a.count, b.count)
        for index in 0..<count where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
        return a.count < b.count ? -1 : a.count == b.count ? 0 : 1
      }
    }
  }

  /// NaN equals itself and is greater than every other number (manual §8.1.3).
  private static func compareDoubles(_ left: Double, _ right: Double) -> Int {
    if left.isNaN || right.isNaN { return left.isNaN ? (right.isNaN ? 0 : 1) : -1 }
    return left < right ? -1 : left == right ? 0 : 1
  }

  private static func compareArrays(_ left: [Datum], _ right: [Datum]) -> Int {
    for (a, b) in zip(left, right) {
      if a.isNull || b.isNull {
        if a.isNull && b.isNull { continue }
        return a.isNull ? 1 : -1
      }
      let order = compare(a, b)
      if order != 0 { return order }
    }
    return left.count < right.count ? -1 : left.count == right.count ? 0 : 1
  }
}

/// A value as a key of a hash table: NULLs are equal to each other.
struct HashedDatum: Hashable {
  let datum: Datum

  init(_ datum: Datum) { self.datum = datum }

  static func == (left: HashedDatum, right: HashedDatum) -> Bool { Datum.identical(left.datum, right.datum) }

  func hash(into hasher: inout Hasher) {
    switch datum {
    case .null: hasher.combine(0)
    case .bool(let value): hasher.combine(value)
    case .int(let value): hasher.combine(value)
    case .double(let value):
      // Equal numbers of different classes must hash alike.
      if let exact = Int64(exactly: value) { hasher.combine(exact) } else { hasher.combine(value) }
    case .numeric(let value):
      if let exact = value.exactInteger { hasher.combine(exact) } else { hasher.combine(value.doubleValue) }
    case .text(let value), .json(let value): hasher.combine(value)
    case .uuid(let high, let low):
      hasher.combine(high)
      hasher.combine(low)
    case .timestamp(let value): hasher.combine(value)
    case .interval(let value): hasher.combine(value.comparable)
    case .bytes(let value): hasher.combine(value)
    case .array(let values): for value in values { hasher.combine(HashedDatum(value)) }
    }
  }
}

/// A row of values as a key of a hash table.
struct HashedRow: Hashable {
  let values: [Datum]

  static func == (left: HashedRow, right: HashedRow) -> Bool {
    guard left.values.count == right.values.count else { return false }
    for index in left.values.indices where !Datum.identical(left.values[index], right.values[index]) { return false }
    return true
  }

  func hash(into hasher: inout Hasher) {
    for value in values { HashedDatum(value).hash(into: &hasher) }
  }
}
