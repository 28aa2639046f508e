/// An SQL statement and the values of its parameters.
///
/// It is written as a string literal; every interpolated value becomes a bind parameter (`$1`, `$2`, …), so that no
/// value can ever be read as SQL:
///
/// ```swift
/// let statement: SQLStatement = "SELECT quantity FROM inventory_items WHERE product_id = \(productId)"
/// // text: SELECT quantity FROM inventory_items WHERE product_id = $1
/// ```
public struct SQLStatement: Sendable, Hashable {
  /// The statement's text with `$n` in the place of each value.
  public private(set) var text: String
  /// The values of `$1`, `$2`, …
  public private(set) var parameters: [SQLValue]

  /// A statement whose text comes from a trusted place, such as a migration file or the harness, never from input.
  public init(trusted text: String, parameters: [SQLValue] = []) {
    self.text = text
    self.parameters = parameters
  }
}

extension SQLStatement: ExpressibleByStringInterpolation {
  /// A statement without parameters.
  public init(stringLiteral value: String) {
    self.init(trusted: value)
  }

  /// A statement whose interpolated values are parameters.
  public init(stringInterpolation: StringInterpolation) {
    self.init(trusted: stringInterpolation.text, parameters: stringInterpolation.parameters)
  }

  /// Collects the literal parts and turns each value into a parameter.
  public struct StringInterpolation: StringInterpolationProtocol {
    var text = ""
    var parameters: [SQLValue] = []

    /// An empty collection with room for what is announced.
    public init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 3)
      parameters.reserveCapacity(interpolationCount)
    }

    /// Adds SQL text as it is.
    public mutating func appendLiteral(_ literal: String) {
      text += literal
    }

    /// Binds `value` as the next parameter.
    @inlinable public mutating func appendInterpolation(_ value: some SQLEncodable) {
      bind(value.sqlValue)
    }

    /// Binds `value` as the next parameter, NULL where it is `nil`.
    @inlinable public mutating func appendInterpolation(_ value: (some SQLEncodable)?) {
      bind(value?.sqlValue ?? .null)
    }

    @usableFromInline mutating func bind(_ value: SQLValue) {
      parameters.append(value)
      text += "$"
      text += String(parameters.count)
    }
  }
}
