package import FoundationEssentials
package import HTTPTypes
package import NIOCore

/// A refusal or failure as the caller sees it: an `application/problem+json` document (RFC 9457).
///
/// Thrown by handlers; ``ServiceHandler`` turns it into the response.
package struct Problem: Error, Sendable, Hashable {
  /// The response's status.
  package var status: HTTPResponse.Status
  /// The stable name that callers switch on: `insufficient_stock`.
  package var code: String
  /// The same for every problem of this code.
  package var title: String
  /// What went wrong this time and what to do about it.
  package var detail: String
  /// Members of its own, in this order.
  package var members: [JSONMember]
  /// Header fields of its own: `Retry-After`, `Allow`.
  package var headers: HTTPFields

  /// A problem of `code`.
  package init(
    status: HTTPResponse.Status, code: String, title: String, detail: String, members: [JSONMember] = [],
    headers: HTTPFields = [:]
  ) {
    self.status = status
    self.code = code
    self.title = title
    self.detail = detail
    self.members = members
    self.headers = headers
  }

  /// The document.
  package func body(correlationId: UUID) -> ByteBuffer {
    var json = JSONWriter(capacity: 384)
    json.object { json in
      json.member("type", "urn:zoco:problem:" + code)
      json.member("title", title)
      json.member("status", status.code)
      json.member("detail", detail)
      json.member("code", code)
      json.member("correlationId", correlationId)
      for member in members {
        json.name(dynamic: member.name)
        json.value(member.value)
      }
    }
    return json.buffer
  }
}

extension Problem: CustomStringConvertible {
  package var description: String { "\(status.code) \(code): \(detail)" }
}

/// What is wrong with one field of a request.
package struct FieldError: Sendable, Hashable {
  /// The field's path: `items[3].quantity`; empty for the body as a whole.
  package var field: String
  /// What was expected and what was found.
  package var message: String

  /// `message` about `field`.
  package init(field: String, message: String) {
    self.field = field
    self.message = message
  }
}
