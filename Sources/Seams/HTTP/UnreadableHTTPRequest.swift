public import HTTPTypes
internal import NIOCore

/// Why bytes that a client sent are no request.
public enum UnreadableHTTPRequest: Sendable, Hashable, CaseIterable {
  /// They break HTTP/1.1's grammar.
  case malformed
  /// The header fields are larger or more than the server takes.
  case headerFieldsTooLarge

  /// 400 or 431.
  public var status: HTTPResponse.Status { self == .malformed ? .badRequest : .requestHeaderFieldsTooLarge }

  /// What is wrong and what to do, for people.
  public var detail: String {
    self == .malformed
      ? "The bytes sent are not an HTTP/1.1 request. Correct the client."
      : "The header fields are too large or too many. Send fewer or shorter ones."
  }
}

extension HTTPHandler {
  /// A problem document (RFC 9457) with the request's status and detail.
  public func answer(toUnreadable request: UnreadableHTTPRequest, from peer: HTTPPeer) async -> HTTPResponseMessage {
    let body = ByteBuffer(
      string: """
        {"type":"about:blank","title":"\(request.status.reasonPhrase)","status":\(request.status.code),\
        "detail":"\(request.detail)"}
        """)
    return HTTPResponseMessage(
      head: HTTPResponse(status: request.status, headerFields: [.contentType: "application/problem+json"]),
      body: .bytes(body))
  }
}
