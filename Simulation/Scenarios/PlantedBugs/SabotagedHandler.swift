internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import ServiceKit

/// The HTTP seam with a planted bug in it: what a careless proxy or client library does to a request, and what a wrong
/// service answers.
struct SabotagedHandler: HTTPHandler {
  let base: any HTTPHandler
  let bug: PlantedBug
  let entropy: any EntropySource
  private let reads = RememberedReads()
  private static let keyField = HTTPField.Name("Idempotency-Key")

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    let line = "\(request.head.method.rawValue) \(request.head.path ?? "")"
    if bug.requests == .rememberedReads, let remembered = reads.takeAnswer(to: line) { return remembered }
    let response = await base.handle(sabotaged(request), from: peer)
    if bug.requests == .rememberedReads { reads.remember(response, to: line) }
    return bug.answers.filter { line.contains($0.request) }.reduce(response) { sabotaged($0, by: $1) }
  }

  private func sabotaged(_ request: HTTPRequestMessage) -> HTTPRequestMessage {
    var request = request
    switch bug.requests {
    case .freshIdempotencyKeys:
      if let field = Self.keyField, request.head.headerFields[field] != nil {
        request.head.headerFields[field] = entropy.uuid().canonicalText
      }
    case .freshOrderIds:
      guard request.head.path == "/inventory/reserve", entropy.next() & 1 == 0, case .bytes(let body) = request.body
      else { break }
      let text = String(buffer: body)
      let member = "\"orderId\":\""
      guard let found = text.firstRange(of: member) else { break }
      let end = text.index(found.upperBound, offsetBy: 36)
      let changed = text.replacingCharacters(in: found.upperBound..<end, with: entropy.uuid().canonicalText)
      request.body = .bytes(ByteBuffer(string: changed))
    case .rememberedReads, nil: break
    }
    return request
  }

  private func sabotaged(_ response: HTTPResponseMessage, by rewrite: PlantedBug.AnswerRewrite) -> HTTPResponseMessage {
    guard case .bytes(let body) = response.body else { return response }
    let text = String(buffer: body)
    guard let found = text.firstRange(of: rewrite.fragment) else { return response }
    var changed = response
    changed.body = .bytes(ByteBuffer(string: text.replacingCharacters(in: found, with: rewrite.replacement)))
    return changed
  }
}

/// A proxy's cache that nobody invalidates: each answer to a read of an item is given once more.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
private final class RememberedReads: @unchecked Sendable {
  private var answers: [String: HTTPResponseMessage] = [:]

  func takeAnswer(to line: String) -> HTTPResponseMessage? { answers.removeValue(forKey: line) }

  func remember(_ response: HTTPResponseMessage, to line: String) {
    if line.hasPrefix("GET /inventory/"), response.head.status == .ok { answers[line] = response }
  }
}
