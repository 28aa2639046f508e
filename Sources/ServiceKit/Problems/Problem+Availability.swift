internal import HTTPTypes

/// Problems of a service that cannot answer now.
extension Problem {
  /// 503: a server this one needs does not answer.
  package static func upstreamUnavailable(
    _ detail: String = "A server that this service needs does not answer. Send the same request again later.",
    retryAfter: Int = 1
  ) -> Problem {
    Problem(
      status: .serviceUnavailable, code: "upstream_unavailable", title: "A server behind this one is unavailable",
      detail: detail, headers: [.retryAfter: String(retryAfter)])
  }

  /// 503: the service has more to do than it can, or is going down.
  package static func overloaded(
    _ detail: String = "The service is at its limit. Send the same request again later.", retryAfter: Int = 1
  ) -> Problem {
    Problem(
      status: .serviceUnavailable, code: "overloaded", title: "The service is overloaded", detail: detail,
      headers: [.retryAfter: String(retryAfter)])
  }

  /// 504: a server this one needs did not answer within the request's deadline.
  package static func upstreamTimeout(
    _ detail: String = "The deadline passed. The change may have taken effect: send the same request again."
  ) -> Problem {
    Problem(
      status: .gatewayTimeout, code: "upstream_timeout", title: "A server behind this one answered too late",
      detail: detail)
  }
}
