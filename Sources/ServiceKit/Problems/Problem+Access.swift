internal import HTTPTypes

/// Problems of callers that are not known, or may not do what they ask for.
extension Problem {
  /// 401: nobody knows who asks.
  package static func unauthenticated(_ detail: String) -> Problem {
    Problem(
      status: .unauthorized, code: "unauthenticated", title: "The caller is not known", detail: detail,
      headers: [.wwwAuthenticate: "Bearer"])
  }

  /// 403: the end user lacks a role.
  package static func forbidden(role: String) -> Problem {
    Problem(
      status: .forbidden, code: "forbidden", title: "The caller may not do this",
      detail: "It takes the role \"\(role)\".")
  }

  /// 403: a browser sends what a page of another site made it send, or what no page of ours did.
  package static func forgedRequest(_ detail: String) -> Problem {
    Problem(status: .forbidden, code: "forbidden", title: "The caller may not do this", detail: detail)
  }
}
