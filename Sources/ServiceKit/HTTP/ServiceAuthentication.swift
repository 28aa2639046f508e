package import HTTPTypes
package import Hummingbird

extension HTTPField.Name {
  /// The end user for whom a service asks.
  package static let userId = HTTPField.Name("X-User-Id")!
  /// The end user's roles, separated by commas.
  package static let userRoles = HTTPField.Name("X-User-Roles")!
}

/// Checks who sends a request to a service: another service, which shows the token that `ServiceTokenProvider` gives it,
/// and names the end user.
package struct ServiceAuthentication: Sendable {
  /// Characters of an end user's id.
  package static let userIdLength = 1...255

  /// `Bearer TOKEN`, as bytes; `nil`: no token is asked for.
  private let expected: [UInt8]?

  /// - Parameter secret: what all services know; without one every caller is believed, which suits a test or a network
  ///   of one's own.
  package init(secret: Secret?) { expected = secret.map { Array("Bearer \($0.value)".utf8) } }

  /// Checks the caller's token.
  ///
  /// - Throws: `unauthenticated`.
  package func check(_ request: Request) throws(Problem) {
    guard let expected else { return }
    guard let found = request.headers[.authorization] else {
      throw .unauthenticated("Send a service token: \"Authorization: Bearer TOKEN\".")
    }
    guard ConstantTime.areEqual(expected, Array(found.utf8)) else {
      throw .unauthenticated("The service token is not valid here.")
    }
  }

  /// The end user of a request whose caller is a service.
  ///
  /// - Throws: `unauthenticated`.
  package func userId(of request: Request) throws(Problem) -> String {
    try check(request)
    guard let user = request.headers[.userId] else {
      throw .unauthenticated("Name the end user in the header X-User-Id.")
    }
    guard Self.userIdLength.contains(user.utf8.count), user.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw .unauthenticated("X-User-Id has 1 to 255 printable ASCII characters and no space.")
    }
    return user
  }

  /// Who acts as an administrator: the end user, whose roles include `admin`; `admin` where the service names none.
  ///
  /// The roles are what the gateway found in the end user's token: comma-separated, in the header `X-User-Roles`.
  ///
  /// - Throws: `unauthenticated`; `forbidden` without the role.
  package func administrator(of request: Request) throws(Problem) -> String {
    let user = request.headers[.userId] == nil ? nil : try userId(of: request)
    try check(request)
    let roles = (request.headers[.userRoles] ?? "").split { $0 == "," || $0 == " " }
    guard roles.contains("admin") else { throw .forbidden(role: "admin") }
    return user ?? "admin"
  }
}
