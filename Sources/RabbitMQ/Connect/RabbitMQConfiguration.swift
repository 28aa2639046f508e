internal import Seams

/// Where a broker is and how to sign in: what a connection URL says.
///
/// `amqp://user:password@h1:5672,h2:5672/vhost?heartbeat=10` (RabbitMQ's URI specification, with several hosts, tried in
/// their order); `amqps://` for TLS, with `cacertfile`, `certfile` and `keyfile` (PEM) and `verify=verify_none` as
/// RabbitMQ's query parameters have them. Parts are percent-encoded; no path is the virtual host `/`. The password
/// appears in no description and no error.
public struct RabbitMQConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  struct Host: Sendable, Hashable, CustomStringConvertible {
    var name: String
    var port: Int32

    var description: String { "\(name):\(port)" }
  }

  struct TLS: Sendable, Hashable {
    var authorities: String?
    var certificate: String?
    var key: String?
    var verifies = true
  }

  /// How often each side shows that it is there, in whole seconds; after two silences the connection is dead.
  public var heartbeat = Duration.seconds(10)
  /// The hosts, in the order in which they are tried.
  let hosts: [Host]
  let user: String
  let password: String
  let virtualHost: String
  let tls: TLS?

  /// The configuration that `url` describes.
  ///
  /// - Throws: ``BrokerError`` with ``BrokerError/Code/invalidArgument`` that says what is wrong without quoting the URL,
  ///   which may hold a password.
  public init(url: String) throws {
    guard let (scheme, afterScheme) = RabbitMQConfiguration.split(url[...], at: "://"),
      scheme == "amqp" || scheme == "amqps"
    else {
      throw RabbitMQConfiguration.wrong("expected amqp://user:password@host:port/vhost, or amqps://")
    }
    let isTLS = scheme == "amqps"
    let (beforeQuery, query) = RabbitMQConfiguration.split(afterScheme, at: "?") ?? (afterScheme, "")
    let (authority, path) = RabbitMQConfiguration.split(beforeQuery, at: "/") ?? (beforeQuery, "")
    var places = authority
    var (user, password): (Substring, Substring) = ("guest", "guest")
    if let at = authority.lastIndex(of: "@") {
      (user, password) =
        RabbitMQConfiguration.split(authority[..<at], at: ":") ?? (authority[..<at], "")
      places = authority[authority.index(after: at)...]
    }
    self.user = try RabbitMQConfiguration.decoded(user, "the user")
    self.password = try RabbitMQConfiguration.decoded(password, "the password")
    virtualHost = path.isEmpty ? "/" : try RabbitMQConfiguration.decoded(path, "the virtual host")
    guard [self.user, self.password, virtualHost].allSatisfy({ !$0.utf8.contains(0) }) else {
      throw RabbitMQConfiguration.wrong("a zero byte is in its user, password or virtual host")
    }
    hosts = try places.split(separator: ",", omittingEmptySubsequences: false).map {
      try RabbitMQConfiguration.host($0, isTLS ? 5671 : 5672)
    }
    var tls = TLS()
    for option in query.split(separator: "&") {
      guard let (name, text) = RabbitMQConfiguration.split(option, at: "=") else {
        throw RabbitMQConfiguration.wrong("an option has no value")
      }
      let value = try RabbitMQConfiguration.decoded(text, "an option")
      switch (name, isTLS) {
      case ("heartbeat", _):
        guard let seconds = UInt16(value), seconds > 0 else {
          throw RabbitMQConfiguration.wrong("heartbeat is a number of seconds from 1 to 65535")
        }
        heartbeat = .seconds(Int(seconds))
      case ("cacertfile", true): tls.authorities = value
      case ("certfile", true): tls.certificate = value
      case ("keyfile", true): tls.key = value
      case ("verify", true) where value == "verify_none" || value == "verify_peer":
        tls.verifies = value == "verify_peer"
      default:
        throw RabbitMQConfiguration.wrong(
          "an option is none of heartbeat, and with amqps cacertfile, certfile, keyfile and verify")
      }
    }
    guard (tls.certificate == nil) == (tls.key == nil) else {
      throw RabbitMQConfiguration.wrong("certfile and keyfile go together")
    }
    self.tls = isTLS ? tls : nil
  }

  public var description: String {
    let names = hosts.map(\.description).joined(separator: ",")
    return "\(tls == nil ? "amqp" : "amqps")://\(user)@\(names)/\(virtualHost == "/" ? "" : virtualHost)"
  }

  /// Shows no more than ``description``: `dump` and the debugger print mirrors.
  public var customMirror: Mirror { Mirror(self, children: ["url": description]) }

  // MARK: - Parsing

  private static func wrong(_ what: String) -> BrokerError {
    BrokerError(.invalidArgument, message: "the broker URL is wrong: \(what)")
  }

  private static func split(_ text: Substring, at mark: String) -> (Substring, Substring)? {
    guard let range = text.firstRange(of: mark) else { return nil }
    return (text[..<range.lowerBound], text[range.upperBound...])
  }

  private static func host(_ text: Substring, _ defaultPort: Int32) throws -> Host {
    var (name, port): (Substring, Substring?) = (text, nil)
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw wrong("an IPv6 address has no ]") }
      name = text[text.index(after: text.startIndex)..<end]
      let rest = text[text.index(after: end)...]
      if rest.hasPrefix(":") { port = rest.dropFirst() } else if !rest.isEmpty { throw wrong("a host is unreadable") }
    } else if let colon = text.lastIndex(of: ":") {
      (name, port) = (text[..<colon], text[text.index(after: colon)...])
    }
    guard !name.isEmpty else { throw wrong("a host has no name") }
    let decodedName = try decoded(name, "a host")
    guard let port else { return Host(name: decodedName, port: defaultPort) }
    guard let number = UInt16(port), number > 0 else { throw wrong("a port is a number from 1 to 65535") }
    return Host(name: decodedName, port: Int32(number))
  }

  private static func decoded(_ text: Substring, _ what: String) throws -> String {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
        throw wrong("\(what) has a % without two hexadecimal digits")
      }
      bytes.append(high << 4 | low)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else { throw wrong("\(what) is not UTF-8") }
    return decoded
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
  }
}
