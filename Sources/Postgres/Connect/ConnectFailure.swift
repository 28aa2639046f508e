internal import Seams

/// Why one address did not give a connection.
struct ConnectFailure: Error, Equatable {
  var message: String
  /// The server's SQLSTATE, where it answered.
  var sqlState: SQLState?

  init(message: String, sqlState: SQLState? = nil) {
    self.message = message
    self.sqlState = sqlState
  }

  /// Reads libpq's message, made with verbose errors: `… failed: FATAL:  28P01: password authentication failed …`,
  /// followed by lines of context. There is no other way to the SQLSTATE of a refused sign-in in libpq 15.
  init(host: PostgresConfiguration.Host, text: String) {
    var first = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: true).first.map(String.init) ?? ""
    if let range = first.firstRange(of: " failed: ") { first = String(first[range.upperBound...]) }
    // The severity is translated, so only the two spaces after it and the shape of a SQLSTATE are looked for.
    if let colon = first.firstRange(of: ":  ") {
      let rest = first[colon.upperBound...]
      let state = rest.prefix(5)
      if state.utf8.count == 5, rest.dropFirst(5).hasPrefix(": "), state.utf8.allSatisfy(ConnectFailure.isStateByte) {
        sqlState = SQLState(String(state))
        first = String(rest.dropFirst(7))
      }
    }
    message = "\(host): \(first)"
  }

  /// Whether the server knew us and said no: class 28, invalid authorization.
  var isSignInRefused: Bool { sqlState?.description.hasPrefix("28") ?? false }

  private static func isStateByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte)
  }
}
