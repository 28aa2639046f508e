package import HTTPTypes
package import Hummingbird

extension HTTPField.Name {
  /// The end user for whom a service asks.
  package static let userId = HTTPField.Name("X-User-Id")!
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
    guard Self.areEqual(expected, Array(found.utf8)) else {
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

  /// Takes as long for any token of a length: nobody learns by the time how much of a guess was right.
  private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}
