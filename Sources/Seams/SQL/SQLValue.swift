public import FoundationEssentials

/// A value that goes into a statement as a bind parameter, or comes back in a row.
public enum SQLValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// int2, int4 and int8.
  case int(Int64)
  /// float4 and float8.
  case double(Double)
  /// numeric, in PostgreSQL's own text form, so that nothing is lost.
  case numeric(String)
  /// text, varchar and every type that has no case of its own, in text form.
  case text(String)
  case uuid(UUID)
  /// timestamptz.
  case timestamp(Timestamp)
  /// bytea.
  case bytes([UInt8])
  /// json and jsonb, as text.
  case json(String)
  /// A one-dimensional array. Its element type comes from the statement (`$1::uuid[]`) or the column.
  case array([SQLValue])
}

/// A type that can be bound as a parameter.
public protocol SQLEncodable {
  /// The value to bind.
  var sqlValue: SQLValue { get }
}

/// A type that can be read from a column.
public protocol SQLDecodable {
  /// What the type is called in an error: `uuid`, `integer`.
  static var sqlTypeName: String { get }
  /// The value as this type, `nil` when it is of another kind. NULL is never passed in.
  init?(sqlValue: SQLValue)
}

extension SQLValue: SQLEncodable {
  /// The value itself.
  public var sqlValue: SQLValue { self }
}

extension Bool: SQLEncodable, SQLDecodable {
  /// A boolean.
  public var sqlValue: SQLValue { .bool(self) }
  /// `boolean`.
  public static var sqlTypeName: String { "boolean" }
  /// The value of a boolean, `nil` for any other.
  public init?(sqlValue: SQLValue) {
    guard case .bool(let value) = sqlValue else { return nil }
    self = value
  }
}

extension Int64: SQLEncodable, SQLDecodable {
  /// An integer.
  public var sqlValue: SQLValue { .int(self) }
  /// `integer`.
  public static var sqlTypeName: String { "integer" }
  /// The value of an integer, `nil` for any other.
  public init?(sqlValue: SQLValue) {
    guard case .int(let value) = sqlValue else { return nil }
    self = value
  }
}

extension Int: SQLEncodable, SQLDecodable {
  /// An integer.
  public var sqlValue: SQLValue { .int(Int64(self)) }
  /// `integer`.
  public static var sqlTypeName: String { "integer" }
  /// The value of an integer, `nil` for any other.
  public init?(sqlValue: SQLValue) {
    guard case .int(let value) = sqlValue else { return nil }
    self = Int(value)
  }
}

extension Double: SQLEncodable, SQLDecodable {
  /// A floating-point number.
  public var sqlValue: SQLValue { .double(self) }
  /// `double precision`.
  public static var sqlTypeName: String { "double precision" }
  /// The value of a floating-point number, `nil` for any other.
  public init?(sqlValue: SQLValue) {
    guard case .double(let value) = sqlValue else { return nil }
    self = value
  }
}

extension String: SQLEncodable, SQLDecodable {
  /// A text.
  public var sqlValue: SQLValue { .text(self) }
  /// `text`.
  public static var sqlTypeName: String { "text" }
  /// The text of a text, of json or of a numeric, `nil` for any other.
  public init?(sqlValue: SQLValue) {
    switch sqlValue {
    case .text(let value), .json(let value), .numeric(let value): self = value
    default: return nil
    }
  }
}

extension UUID: SQLEncodable, SQLDecodable {
  /// A UUID.
  public var sqlValue: SQLValue { .uuid(self) }
  /// `uuid`.
  public static var sqlTypeName: String { "uuid" }
  /// The value of a UUID, `nil` for any other.
  public init?(sqlValue: SQLValue) {
    guard case .uuid(let value) = sqlValue else { return nil }
    self = value
  }
}

extension Timestamp: SQLEncodable, SQLDecodable {
  /// A point in time.
  public var sqlValue: SQLValue { .timestamp(self) }
  /// `timestamptz`.
  public static var sqlTypeName: String { "timestamptz" }
  /// The value of a point in time, `nil` for any other.
  public init?(sqlValue: SQLValue) {
    guard case .timestamp(let value) = sqlValue else { return nil }
    self = value
  }
}

extension Array: SQLEncodable where Element: SQLEncodable {
  /// An array of the elements' values.
  @inlinable public var sqlValue: SQLValue { .array(map { $0.sqlValue }) }
}

extension Array: SQLDecodable where Element: SQLDecodable {
  /// The element's type with `[]`.
  public static var sqlTypeName: String { Element.sqlTypeName + "[]" }
  /// The elements of an array, `nil` for any other value or when one is of another type.
  public init?(sqlValue: SQLValue) {
    guard case .array(let values) = sqlValue else { return nil }
    var elements: [Element] = []
    elements.reserveCapacity(values.count)
    for value in values {
      guard let element = Element(sqlValue: value) else { return nil }
      elements.append(element)
    }
    self = elements
  }
}

extension Optional: SQLEncodable where Wrapped: SQLEncodable {
  /// The wrapped value's, NULL for `nil`.
  public var sqlValue: SQLValue { self?.sqlValue ?? .null }
}
