internal import CLibPQ
internal import Seams

/// Where a database is and how to sign in: what a connection URL says, and the limits of each connection.
///
/// The URL is libpq's (manual, 34.1.1): `postgresql://user:password@host:port,host2:port2/database?option=value`, with
/// every option of libpq, among them `sslmode`, `sslrootcert`, `target_session_attrs` and `connect_timeout` (seconds
/// for each address tried). The password appears in no description and no error.
public struct PostgresConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  /// Statements that each connection keeps prepared.
  public var preparedStatementCapacity = 256
  /// How long a cancelled statement may take to be answered before its connection is closed.
  public var cancellationGrace = Duration.seconds(1)
  /// Settings that every session gets, by name, such as `["lock_timeout": "5s"]` (manual, chapter 20).
  public var sessionSettings: [String: String] = [:]
  /// The hosts, in the order in which they are tried.
  let hosts: [Host]
  /// Everything else, as libpq's keywords.
  let parameters: [(keyword: String, value: String)]
  /// `connect_timeout` of the URL.
  let timeoutPerAddress: Duration?

  struct Host: Sendable, Hashable, CustomStringConvertible {
    /// A name, an address or the folder of a Unix-domain socket; `nil` leaves it to libpq.
    var name: String?
    /// An address that makes the look-up of the name needless.
    var address: String?
    var port: String

    var description: String { "\(name ?? address ?? "local socket"):\(port)" }
  }

  /// The configuration that `url` describes.
  ///
  /// - Throws: ``SQLError`` with ``SQLError/Code/connectFailed`` that says what is wrong without quoting the URL, which
  ///   may hold a password.
  public init(url: String) throws {
    var given = try PostgresConfiguration.parse(url)
    let defaults = PostgresConfiguration.defaults()
    func take(_ keyword: String) -> String? { given.removeValue(forKey: keyword) ?? defaults[keyword] }
    let names = PostgresConfiguration.list(take("host"))
    let addresses = PostgresConfiguration.list(take("hostaddr"))
    let ports = PostgresConfiguration.list(take("port") ?? "5432")
    hosts = try PostgresConfiguration.hosts(names, addresses, ports)
    timeoutPerAddress = try PostgresConfiguration.timeout(take("connect_timeout"))
    try PostgresConfiguration.checkChoices(given)
    given["client_encoding"] = "UTF8"
    if given["fallback_application_name"] == nil { given["fallback_application_name"] = "zoco" }
    // Kerberos would look for tickets, and may ask its servers, in the middle of connecting.
    if given["gssencmode"] == nil { given["gssencmode"] = "disable" }
    parameters = given.sorted { $0.key < $1.key }.map { (keyword: $0.key, value: $0.value) }
  }

  public var description: String {
    let names = hosts.map(\.description).joined(separator: ",")
    let user = value(of: "user") ?? "default user"
    return "postgresql://\(user)@\(names)/\(value(of: "dbname") ?? "")"
  }

  /// Shows no more than ``description``: `dump` and the debugger print mirrors.
  public var customMirror: Mirror { Mirror(self, children: ["url": description]) }

  func value(of keyword: String) -> String? { parameters.first { $0.keyword == keyword }?.value }

  // MARK: - Parsing

  private static func parse(_ url: String) throws -> [String: String] {
    guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else {
      throw SQLError(
        .connectFailed, message: "the database URL is wrong: expected postgresql://user:password@host:port/database")
    }
    var problem: UnsafeMutablePointer<CChar>?
    guard let options = PQconninfoParse(url, &problem) else {
      defer { PQfreemem(problem) }
      let message = problem.map { String(cString: $0) } ?? "out of memory"
      throw SQLError(.connectFailed, message: "the database URL is wrong: \(withoutQuotations(message))")
    }
    defer { PQconninfoFree(options) }
    return collect(options)
  }

  /// What the environment (`PGHOST`, …) and the service file say.
  private static func defaults() -> [String: String] {
    guard let options = PQconndefaults() else { return [:] }
    defer { PQconninfoFree(options) }
    return collect(options).filter { ["host", "hostaddr", "port", "connect_timeout"].contains($0.key) }
  }

  private static func collect(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
    var values: [String: String] = [:]
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val, value.pointee != 0 {
        values[String(cString: keyword)] = String(cString: value)
      }
      option += 1
    }
    return values
  }

  /// libpq quotes the part of the URL that it does not understand, which may be the password.
  static func withoutQuotations(_ message: String) -> String {
    var out = ""
    var isQuoted = false
    for character in LibPQConnection.trimmed(message) {
      if character == "\"" {
        if !isQuoted { out += "\"…\"" }
        isQuoted.toggle()
      } else if !isQuoted {
        out.append(character)
      }
    }
    return out
  }

  /// The values of options that name a choice (manual, 34.1.2). libpq looks at them only when it connects, where a wrong
  /// one would pass for a server that cannot be reached.
  private static let choices = [
    "channel_binding": ["disable", "prefer", "require"], "gssencmode": ["disable", "prefer", "require"],
    "sslmode": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    "target_session_attrs": ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
  ]

  private static func checkChoices(_ given: [String: String]) throws {
    for (keyword, value) in given.sorted(by: { $0.key < $1.key }) {
      guard let choices = choices[keyword], !choices.contains(value) else { continue }
      throw SQLError(
        .connectFailed,
        message: "the database URL is wrong: \(keyword) is one of \(choices.joined(separator: ", ")), not \"…\"")
    }
  }

  private static func timeout(_ text: String?) throws -> Duration? {
    guard let text else { return nil }
    guard let seconds = Int(text) else {
      throw SQLError(
        .connectFailed, message: "the database URL is wrong: connect_timeout is a number of seconds, not \"…\"")
    }
    return seconds > 0 ? .seconds(seconds) : nil
  }

  private static func list(_ text: String?) -> [String] {
    guard let text, !text.isEmpty else { return [] }
    return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }

  private static func hosts(_ names: [String], _ addresses: [String], _ ports: [String]) throws -> [Host] {
    let count = max(names.count, addresses.count, 1)
    guard names.isEmpty || addresses.isEmpty || names.count == addresses.count else {
      throw SQLError(
        .connectFailed,
        message: "the database URL is wrong: \(names.count) hosts but \(addresses.count) values of hostaddr")
    }
    guard ports.count == 1 || ports.count == count else {
      throw SQLError(
        .connectFailed, message: "the database URL is wrong: \(count) hosts but \(ports.count) ports")
    }
    return try (0..<count).map { index in
      let port = ports.count == 1 ? ports[0] : ports[index]
      guard let number = UInt16(port.isEmpty ? "5432" : port), number > 0 else {
        throw SQLError(
          .connectFailed, message: "the database URL is wrong: a port is a number from 1 to 65535, not \"…\"")
      }
      let name = index < names.count && !names[index].isEmpty ? names[index] : nil
      let address = index < addresses.count && !addresses[index].isEmpty ? addresses[index] : nil
      return Host(name: name, address: address, port: String(number))
    }
  }
}
