/// An answer of Redis (RESP2, Redis manual, "Redis serialization protocol").
public enum CacheReply: Sendable {
  /// No value: a null bulk string or a null array.
  case null
  /// A short text, such as `OK`.
  case status(String)
  case integer(Int64)
  case bytes([UInt8])
  case array([CacheReply])
  /// A command that failed, among others that did not.
  case error(CacheError)
}

extension CacheReply {
  /// The reply.
  ///
  /// - Throws: the error that it is.
  public func get() throws -> CacheReply {
    if case .error(let error) = self { throw error }
    return self
  }

  /// Whether there is no value.
  public var isNull: Bool {
    if case .null = self { true } else { false }
  }

  /// The bytes of a string, `nil` for null.
  ///
  /// - Throws: ``CacheError`` `unexpectedReply` when it is something else; the error that it is.
  public var bytes: [UInt8]? {
    get throws {
      switch self {
      case .null: nil
      case .bytes(let bytes): bytes
      case .status(let text): Array(text.utf8)
      default: throw mismatch("a string")
      }
    }
  }

  /// A string as text, `nil` for null; bytes that are not UTF-8 are replaced.
  ///
  /// - Throws: as ``bytes``.
  public var text: String? {
    get throws { try bytes.map { String(decoding: $0, as: UTF8.self) } }
  }

  /// A number.
  ///
  /// - Throws: ``CacheError`` `unexpectedReply` when it is something else; the error that it is.
  public var integer: Int64 {
    get throws {
      guard case .integer(let value) = self else { throw mismatch("an integer") }
      return value
    }
  }

  /// The elements of a list.
  ///
  /// - Throws: ``CacheError`` `unexpectedReply` when it is something else; the error that it is.
  public var array: [CacheReply] {
    get throws {
      guard case .array(let elements) = self else { throw mismatch("an array") }
      return elements
    }
  }

  private func mismatch(_ expected: String) -> CacheError {
    let kind: String
    switch self {
    case .error(let error): return error
    case .null: kind = "null"
    case .status: kind = "a status"
    case .integer: kind = "an integer"
    case .bytes: kind = "a string"
    case .array: kind = "an array"
    }
    return CacheError(.unexpectedReply, message: "expected \(expected), found \(kind)")
  }
}

extension CacheReply: Equatable {
  /// Errors are equal when the server's texts are.
  public static func == (left: CacheReply, right: CacheReply) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.status(let a), .status(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.bytes(let a), .bytes(let b)): a == b
    case (.array(let a), .array(let b)): a == b
    case (.error(let a), .error(let b)): a.code == b.code && a.message == b.message
    default: false
    }
  }
}

extension CacheReply: CustomStringConvertible {
  /// The reply much as `redis-cli` shows it, on one line.
  public var description: String {
    switch self {
    case .null: "(nil)"
    case .status(let text): text
    case .integer(let value): "(integer) \(value)"
    case .bytes(let bytes): "\"\(String(decoding: bytes, as: UTF8.self))\""
    case .array(let elements): "[\(elements.map(\.description).joined(separator: ", "))]"
    case .error(let error): "(error) \(error.message)"
    }
  }
}
