internal import Seams

/// Where a Redis is and how to sign in: what a URL says.
///
/// - `redis://user:password@host:6379/0`: one server. User, password, port and database may be left out.
/// - `redis+sentinel://user:password@host1:26379,host2:26379/mymaster/0`: the primary that these sentinels name for
///   `mymaster`; user, password and database are the primary's. Sentinels themselves take no sign-in.
///
/// Parts are percent-encoded where they hold `:`, `/`, `@` or `%`. `rediss://` is refused: hiredis 0.14 has no TLS. The
/// password appears in no description and no error.
public struct RedisConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  /// What the connections call themselves in the server's `CLIENT LIST`; letters, digits, `-`, `_` and `.`.
  public var clientName = "zoco"
  let target: Target
  let user: String?
  let password: String?
  let database: Int

  enum Target: Sendable, Hashable {
    case server(Host)
    case primary(name: String, sentinels: [Host])
  }

  struct Host: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address, IPv6 without brackets.
    var name: String
    var port: UInt16

    var description: String { name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)" }
  }

  /// The configuration that `url` describes.
  ///
  /// - Throws: ``CacheError`` with ``CacheError/Code/misconfigured`` that says what is wrong without quoting the URL,
  ///   which may hold a password.
  public init(url: String) throws {
    guard let separator = url.firstRange(of: "://") else { throw RedisConfiguration.wrong("it has no scheme") }
    let scheme = url[..<separator.lowerBound].lowercased()
    guard scheme != "rediss", scheme != "rediss+sentinel" else {
      throw RedisConfiguration.wrong("rediss:// (TLS) is not supported, use redis:// on a private network")
    }
    guard scheme == "redis" || scheme == "redis+sentinel" else { throw RedisConfiguration.wrong("unknown scheme") }
    var rest = url[separator.upperBound...]
    guard !rest.contains("?"), !rest.contains("#") else { throw RedisConfiguration.wrong("options are not supported") }
    var path: [Substring] = []
    if let slash = rest.firstIndex(of: "/") {
      path = rest[rest.index(after: slash)...].split(separator: "/", omittingEmptySubsequences: true)
      rest = rest[..<slash]
    }
    (user, password) = try RedisConfiguration.credentials(&rest)
    let isSentinel = scheme == "redis+sentinel"
    let hosts = try rest.split(separator: ",", omittingEmptySubsequences: false).map {
      try RedisConfiguration.host($0, defaultPort: isSentinel ? 26379 : 6379)
    }
    if isSentinel {
      guard let name = path.first else {
        throw RedisConfiguration.wrong("after the sentinels comes the primary's name")
      }
      target = .primary(name: try RedisConfiguration.decoded(name), sentinels: hosts)
      path.removeFirst()
    } else {
      guard hosts.count == 1 else { throw RedisConfiguration.wrong("several hosts need redis+sentinel://") }
      target = .server(hosts[0])
    }
    database = try RedisConfiguration.database(path)
  }

  public var description: String {
    let sign = user.map { $0 + "@" } ?? ""
    switch target {
    case .server(let host): return "redis://\(sign)\(host)/\(database)"
    case .primary(let name, let sentinels):
      return "redis+sentinel://\(sign)\(sentinels.map(\.description).joined(separator: ","))/\(name)/\(database)"
    }
  }

  /// Shows no more than ``description``: `dump` and the debugger print mirrors.
  public var customMirror: Mirror { Mirror(self, children: ["url": description]) }

  // MARK: - Parsing

  private static func wrong(_ why: String) -> CacheError {
    CacheError(.misconfigured, message: "the Redis URL is wrong: \(why)")
  }

  private static func credentials(_ rest: inout Substring) throws -> (user: String?, password: String?) {
    guard let at = rest.lastIndex(of: "@") else { return (nil, nil) }
    let sign = rest[..<at]
    rest = rest[rest.index(after: at)...]
    guard let colon = sign.firstIndex(of: ":") else { throw wrong("a user needs a password: user:password@host") }
    let user = try decoded(sign[..<colon])
    return (user.isEmpty ? nil : user, try decoded(sign[sign.index(after: colon)...]))
  }

  private static func host(_ text: Substring, defaultPort: UInt16) throws -> Host {
    var name = text
    var port = defaultPort
    let isBracketed = text.hasPrefix("[")
    let portMark =
      isBracketed ? text.firstRange(of: "]:")?.upperBound : text.firstIndex(of: ":").map(text.index(after:))
    if let portMark {
      guard let number = UInt16(text[portMark...]), number > 0 else {
        throw wrong("a port is a number from 1 to 65535")
      }
      port = number
      name = text[..<text.index(before: portMark)]
    }
    if isBracketed {
      guard name.hasSuffix("]") else { throw wrong("a bracket is not closed") }
      name = name.dropFirst().dropLast()
    }
    guard !name.isEmpty else { throw wrong("it names no host") }
    return Host(name: try decoded(name), port: port)
  }

  private static func database(_ path: [Substring]) throws -> Int {
    guard let first = path.first else { return 0 }
    guard path.count == 1, let number = Int(first), (0...9999).contains(number) else {
      throw wrong("the database is a number after the last slash")
    }
    return number
  }

  /// Undoes percent-encoding.
  private static func decoded(_ text: Substring) throws -> String {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        throw wrong("after a percent sign come two hexadecimal digits")
      }
      bytes.append(value)
      rest.removeFirst(2)
    }
    guard let string = String(validating: bytes, as: UTF8.self) else { throw wrong("it is not UTF-8") }
    return string
  }
}
