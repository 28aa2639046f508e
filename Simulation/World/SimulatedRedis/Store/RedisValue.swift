import OrderedCollections
import Seams

/// What a key holds.
enum RedisValue {
  case string([UInt8])
  /// Fields in the order in which they were first set.
  case hash(OrderedDictionary<[UInt8], [UInt8]>)
  case sortedSet(SortedSet)

  /// The type's name, as `TYPE` gives it.
  var typeName: String {
    switch self {
    case .string: "string"
    case .hash: "hash"
    case .sortedSet: "zset"
    }
  }
}

/// A key's value and when it ends.
struct Entry {
  var value: RedisValue
  /// Milliseconds of the server's civil clock since 1970; `nil` for never.
  var expiresAt: Int64?

  init(_ value: RedisValue, expiresAt: Int64? = nil) {
    self.value = value
    self.expiresAt = expiresAt
  }

  /// The last millisecond still belongs to the key (db.c, `keyIsExpired`).
  func isExpired(at now: Int64) -> Bool { expiresAt.map { now > $0 } ?? false }
}

/// An error of Redis, by its text.
struct RedisFailure: Error {
  let text: String

  init(_ text: String) { self.text = text }

  static let wrongType = RedisFailure("WRONGTYPE Operation against a key holding the wrong kind of value")
  static let syntax = RedisFailure("ERR syntax error")
  static let notAnInteger = RedisFailure("ERR value is not an integer or out of range")
  static let notAFloat = RedisFailure("ERR value is not a valid float")
  static let rangeIsNoFloat = RedisFailure("ERR min or max is not a float")
  static let overflow = RedisFailure("ERR increment or decrement would overflow")

  /// The wrong number of arguments for `command`, a name in lower case with its subcommand behind a bar.
  static func arity(_ command: String) -> RedisFailure {
    RedisFailure("ERR wrong number of arguments for '\(command)' command")
  }

  static func expireTime(_ command: String) -> RedisFailure {
    RedisFailure("ERR invalid expire time in '\(command)' command")
  }

  var reply: CacheReply { .error(CacheError(server: text)) }
}

/// A command, or a part of one, that this Redis does not have: a fault of the harness or of who uses it, never an answer.
struct RefusedCommand: Error {
  let what: String

  init(_ what: String) { self.what = what }
}
