/// Where a service is: `http://inventory-service:8080`.
package struct ServiceAddress: Sendable, Hashable, CustomStringConvertible {
  /// `http` or `https`.
  package let scheme: String
  /// `HOST` or `HOST:PORT`.
  package let authority: String

  /// The service at `authority`, over plain HTTP.
  package init(authority: String) {
    scheme = "http"
    self.authority = authority
  }

  /// The address that `url` names; `nil` unless it is `http://` or `https://` with a host and at most a port.
  package init?(url: String) {
    guard let scheme = ["http", "https"].first(where: { url.hasPrefix($0 + "://") }) else { return nil }
    var rest = url.dropFirst(scheme.count + 3)
    if rest.last == "/" { rest.removeLast() }
    let isPlain = rest.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"/?#@\\".utf8.contains($0) }
    // An IPv6 address has colons of its own within brackets.
    let port = rest.last == "]" ? nil : rest.lastIndex(of: ":").map { rest[rest.index(after: $0)...] }
    let host = port.map { rest.dropLast($0.utf8.count + 1) } ?? rest
    guard isPlain, !host.isEmpty else { return nil }
    if let port { guard let number = UInt16(port), number > 0 else { return nil } }
    self.scheme = scheme
    authority = String(rest)
  }

  /// The scheme and the authority: `http://inventory:8080`.
  package var description: String { "\(scheme)://\(authority)" }
}
