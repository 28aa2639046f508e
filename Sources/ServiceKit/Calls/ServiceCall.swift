package import HTTPTypes

/// One call of another service: what is sent, and what its answers mean.
package struct ServiceCall<Result: Sendable>: Sendable {
  /// What an answer means.
  package enum Meaning: Sendable {
    /// It was done.
    case done(Result)
    /// The domain refused it: a result, and no failure of the service.
    case refused(Result)
    /// The contract knows no such answer to this call.
    case unknown
  }

  /// The request's method.
  package var method: HTTPRequest.Method
  /// The request's path and query.
  package var path: String
  /// The request's body.
  package var body: JSONWriter?
  /// Header fields of its own.
  package var fields: HTTPFields
  /// Whether it may be sent again when it is unknown what became of it.
  package var isIdempotent: Bool
  /// What an answer means; throws the problem with one that lacks what it must say.
  package var meaning: @Sendable (ServiceAnswer) throws(Problem) -> Meaning

  /// A call; see each member.
  package init(
    _ method: HTTPRequest.Method, _ path: String, body: JSONWriter? = nil, fields: HTTPFields = [:],
    isIdempotent: Bool, meaning: @escaping @Sendable (ServiceAnswer) throws(Problem) -> Meaning
  ) {
    self.method = method
    self.path = path
    self.body = body
    self.fields = fields
    self.isIdempotent = isIdempotent
    self.meaning = meaning
  }
}
