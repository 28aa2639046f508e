/// A JSON value (RFC 8259) that keeps what the text said: members in their order, numbers exact.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits 64 bits.
  case integer(Int64)
  /// Any other number, as its text: nothing is rounded.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])

  /// What the value is called in an error: `a string`, `an integer`.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The value of the member `name`, `nil` when this is no object or has no such member.
  package subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The element at `index`, `nil` when this is no array or is shorter.
  package subscript(index: Int) -> JSONValue? {
    guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  /// The string, `nil` when this is something else.
  package var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The integer, `nil` when this is something else.
  package var integer: Int? {
    if case .integer(let value) = self { Int(value) } else { nil }
  }

  /// The elements, `nil` when this is something else.
  package var array: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }
}

/// A member of a JSON object.
package struct JSONMember: Sendable, Hashable {
  package var name: String
  package var value: JSONValue

  /// The member `name` with `value`.
  package init(_ name: String, _ value: JSONValue) {
    self.name = name
    self.value = value
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(nilLiteral: ()) { self = .null }
}
