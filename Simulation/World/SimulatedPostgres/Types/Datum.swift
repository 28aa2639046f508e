import FoundationEssentials
import Seams

/// A value inside the engine. Types travel beside it, in plans; the cases are the storage classes.
enum Datum {
  case null
  case bool(Bool)
  /// int2, int4, int8, oid.
  case int(Int64)
  case double(Double)
  case text(String)
  case uuid(UInt64, UInt64)
  /// timestamptz, in microseconds since 1970.
  case timestamp(Int64)
  case interval(Interval)
  case bytes([UInt8])
  /// json and jsonb; jsonb in its canonical form.
  case json(String)
  case array([Datum])
  indirect case numeric(Numeric)

  @inline(__always)
  var isNull: Bool {
    if case .null = self { return true }
    return false
  }

  @inline(__always)
  var isTrue: Bool {
    if case .bool(true) = self { return true }
    return false
  }

  /// The integer of a value whose type says that it holds one.
  @inline(__always)
  var intValue: Int64 {
    if case .int(let value) = self { return value }
    preconditionFailure("the plan promised an integer, found \(self)")
  }

  var doubleValue: Double {
    switch self {
    case .double(let value): return value
    case .int(let value): return Double(value)
    case .numeric(let value): return value.doubleValue
    default: preconditionFailure("the plan promised a number, found \(self)")
    }
  }

  var numericValue: Numeric {
    switch self {
    case .numeric(let value): return value
    case .int(let value): return Numeric(value)
    default: preconditionFailure("the plan promised a numeric, found \(self)")
    }
  }

  var textValue: String {
    switch self {
    case .text(let value), .json(let value): return value
    default: preconditionFailure("the plan promised a text, found \(self)")
    }
  }

  var arrayValue: [Datum] {
    if case .array(let values) = self { return values }
    preconditionFailure("the plan promised an array, found \(self)")
  }

  init(_ uuid: UUID) {
    self = withUnsafeBytes(of: uuid.uuid) { bytes in
      .uuid(
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
  }

  /// The value as it crosses the seam.
  var sqlValue: SQLValue {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .double(let value): .double(value)
    case .text(let value): .text(value)
    case .uuid(let high, let low): .uuid(UUID(high: high, low: low))
    case .timestamp(let value): .timestamp(Timestamp(microsecondsSinceEpoch: value))
    case .interval(let value): .text(value.description)
    case .bytes(let value): .bytes(value)
    case .json(let value): .json(value)
    case .array(let values): .array(values.map(\.sqlValue))
    case .numeric(let value): .numeric(value.description)
    }
  }
}

/// PostgreSQL's interval: months and days are kept apart from the time.
struct Interval: Hashable {
  var months: Int32 = 0
  var days: Int32 = 0
  var microseconds: Int64 = 0

  /// The value that intervals compare by: 30-day months, 24-hour days.
  var comparable: Int128 {
    (Int128(months) * 30 + Int128(days)) * 86_400_000_000 + Int128(microseconds)
  }
}
