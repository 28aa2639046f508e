internal import HTTPTypes

/// Problems of callers that are not known, or may not do what they ask for.
extension Problem {
  /// 401: nobody knows who asks.
  package static func unauthenticated(_ detail: String) -> Problem {
    Problem(
      status: .unauthorized, code: "unauthenticated", title: "The caller is not known", detail: detail,
      headers: [.wwwAuthenticate: "Bearer"])
  }
}
