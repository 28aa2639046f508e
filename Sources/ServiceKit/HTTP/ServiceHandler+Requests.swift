internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams

extension ServiceHandler {
  /// The caller's correlation id, when it sent a valid one.
  static func correlationId(of head: HTTPRequest) -> UUID? {
    head.headerFields[.correlationId].flatMap { UUID(text: $0) }
  }

  /// How long the request may take: what the caller asks for, up to the maximum.
  func timeout(of head: HTTPRequest) throws(Problem) -> Duration {
    guard let text = head.headerFields[.requestTimeout] else { return options.defaultTimeout }
    guard let milliseconds = Int64(text), milliseconds > 0 else {
      throw .validationFailed(
        "X-Request-Timeout-Ms", "expected a positive number of milliseconds, found \"\(excerpt(text))\"")
    }
    let limit = options.maximumTimeout.nanosecondsClamped / 1_000_000
    return .milliseconds(min(milliseconds, limit))
  }

  /// The whole body; empty for methods whose content has no meaning.
  func body(of message: HTTPRequestMessage, until deadline: MonotonicInstant) async throws -> ByteBuffer {
    let head = message.head
    let limit = options.bodyLimit
    if let declared = head.headerFields[.contentLength], let length = Int(declared), length > limit {
      throw Problem.payloadTooLarge(limit: limit)
    }
    let body: ByteBuffer
    do {
      switch message.body {
      case .bytes(let buffer):
        guard buffer.readableBytes <= limit else { throw HTTPBodyTooLarge(limit: limit) }
        body = buffer
      case .stream:
        let whole = message.body
        body = try await withDeadline(deadline, clock: environment.clock) { try await whole.collect(upTo: limit) }
      }
    } catch is HTTPBodyTooLarge {
      throw Problem.payloadTooLarge(limit: limit)
    } catch is DeadlineExceeded {
      throw Problem.requestTimeout
    }
    if body.readableBytes > 0 {
      if let prefix = options.formPrefix, head.path?.hasPrefix(prefix) == true {
        try FormReader.checkMediaType(head)
      } else {
        try Self.checkMediaType(head)
      }
    }
    return body
  }

  /// Accepts `application/json`, with no charset but UTF-8 (RFC 8259 §8.1), in any case (RFC 9110 §8.3.1).
  static func checkMediaType(_ head: HTTPRequest) throws(Problem) {
    guard let field = head.headerFields[.contentType] else { throw .unsupportedMediaType(nil) }
    if field == "application/json" { return }
    var parts = field.split(separator: ";", omittingEmptySubsequences: false)[...]
    let type = trimmed(parts.removeFirst())
    guard type.lowercased() == "application/json" else { throw .unsupportedMediaType(field) }
    for part in parts {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard let name = pair.first, trimmed(name).lowercased() == "charset" else { continue }
      let value = pair.count == 2 ? trimmed(pair[1]).lowercased() : ""
      guard value == "utf-8" || value == "\"utf-8\"" else { throw .unsupportedMediaType(field) }
    }
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }
}
