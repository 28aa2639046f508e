internal import HTTPTypes
internal import NIOCore
internal import Seams

/// What another service answered, read as far as all answers are alike.
package struct ServiceAnswer: Sendable {
  /// The status: 2xx, or 4xx with a problem.
  package let status: Int
  /// The problem's code; empty for a success.
  package let code: String
  /// What the problem says to do; empty for a success.
  package let detail: String
  /// Whether no earlier attempt of the call can have taken effect, or still may: a refusal then is the whole truth.
  package let isConclusive: Bool
  private let json: JSONValue

  /// Reads a success (`application/json`) or a problem (`application/problem+json`).
  ///
  /// - Throws: a problem that says what is wrong with the answer.
  init(status: Int, mediaType: String?, body: ByteBuffer, isConclusive: Bool) throws(Problem) {
    self.status = status
    self.isConclusive = isConclusive
    let isSuccess = (200..<300).contains(status)
    let expected = isSuccess ? "application/json" : "application/problem+json"
    guard mediaType?.split(separator: ";").first?.lowercased() == expected else {
      throw .validationFailed("Content-Type", "expected \(expected), found \(mediaType.map(excerpt) ?? "none")")
    }
    json = try StrictJSON.parse(body)
    guard !isSuccess else {
      (code, detail) = ("", "")
      return
    }
    let reader = try ObjectReader(json, ignoringUnknown: true)
    code = reader.string("code", length: 1...100)
    detail = reader.stringIfPresent("detail", length: 0...10_000) ?? ""
    _ = reader.integer("status", in: status...status)
    try reader.finish()
  }

  /// A reader of the answer's members; those that nobody asks for are ignored.
  ///
  /// - Throws: `validation_failed` when the answer is no object.
  package func reader() throws(Problem) -> ObjectReader {
    try ObjectReader(json, ignoringUnknown: true)
  }
}
