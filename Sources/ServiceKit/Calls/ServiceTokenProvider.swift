/// Makes the token with which this service shows another who it is.
package protocol ServiceTokenProvider: Sendable {
  /// The token for a request to `audience`, to be sent as `Authorization: Bearer`.
  ///
  /// - Parameter audience: the service that is called: `inventory`.
  func token(for audience: String) -> Secret
}

/// One secret that all services know.
package struct SharedSecretTokens: ServiceTokenProvider {
  private let secret: Secret

  /// Tokens that are `secret`.
  package init(secret: Secret) { self.secret = secret }

  /// The shared secret, whatever the audience.
  package func token(for audience: String) -> Secret { secret }
}
