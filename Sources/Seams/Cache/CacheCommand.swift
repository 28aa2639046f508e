/// A command of Redis: its name and its arguments, each a run of bytes of its own.
///
/// Commands that are used have a function of their own (``get(_:)``, ``set(_:_:_:)``); any other is made of its name, a
/// literal, and values that can be nothing but arguments:
///
/// ```swift
/// let command = CacheCommand("SETRANGE", key, 10, bytes)
/// ```
public struct CacheCommand: Sendable, Hashable {
  /// The bytes of all arguments, the name first.
  private var storage: [UInt8]
  /// Where each argument ends.
  private var ends: [Int]

  /// A command.
  ///
  /// - Parameter name: the command's name, in capitals; two words (`SCRIPT LOAD`) are the name and its first argument.
  public init(_ name: StaticString, _ arguments: any CacheArgument...) {
    self.init(name, arguments)
  }

  /// A command with a list of arguments.
  public init(_ name: StaticString, _ arguments: [any CacheArgument]) {
    storage = name.withUTF8Buffer { Array($0) }
    ends = [storage.count]
    ends.reserveCapacity(arguments.count + 1)
    for argument in arguments { append(argument) }
  }

  /// A command of raw arguments, the name first: for drivers and the harness.
  ///
  /// - Precondition: there is at least the name.
  public init(raw arguments: [[UInt8]]) {
    precondition(!arguments.isEmpty, "a command without a name")
    storage = []
    ends = []
    for argument in arguments { append(argument) }
  }

  /// Adds an argument.
  public mutating func append(_ argument: any CacheArgument) {
    argument.appendCacheBytes(to: &storage)
    ends.append(storage.count)
  }

  mutating func append(_ first: any CacheArgument, _ second: any CacheArgument) {
    append(first)
    append(second)
  }

  /// How many arguments there are, the name included.
  public var count: Int { ends.count }

  /// The argument at `position`: 0 is the name.
  public subscript(_ position: Int) -> ArraySlice<UInt8> {
    storage[(position == 0 ? 0 : ends[position - 1])..<ends[position]]
  }

  /// The command's name, in capitals.
  public var name: String { String(decoding: self[0], as: UTF8.self).uppercased() }

  /// Whether the command changes nothing: sent and not answered, it is safe to send again. Unknown ones are taken to
  /// change something.
  public var isReadOnly: Bool {
    switch name {
    case "GET", "MGET", "STRLEN", "EXISTS", "TTL", "PTTL", "TYPE", "SCAN", "DBSIZE", "HGET", "HMGET", "HGETALL",
      "HEXISTS", "HLEN", "ZSCORE", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANGEBYSCORE", "PING", "ECHO", "TIME", "ROLE",
      "SELECT", "MULTI", "DISCARD", "SCRIPT":
      true
    default: false
    }
  }

  /// What the command does to its connection beside its work.
  public var scope: Scope {
    switch name {
    case "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "SELECT": .connection
    case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC", "QUIT", "RESET", "HELLO", "CLIENT",
      "AUTH", "BLPOP", "BRPOP", "BLMOVE", "BLMPOP", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "XREAD",
      "XREADGROUP":
      .driver
    default: .work
    }
  }

  /// Who may send a command.
  public enum Scope: Sendable, Hashable {
    /// Anybody: it leaves the connection as it was.
    case work
    /// Who has the connection alone, or sends what undoes it in the same unit.
    case connection
    /// The driver: it would break the order of answers, hold up everybody else, or belongs to signing in.
    case driver
  }
}

extension CacheCommand: CustomStringConvertible {
  /// The name and how many arguments there are: values may be secrets, keys may name customers.
  public var description: String { "\(name) with \(count - 1) arguments" }
}

extension CacheCommand {
  static let multi = CacheCommand("MULTI")
  static let exec = CacheCommand("EXEC")
}
