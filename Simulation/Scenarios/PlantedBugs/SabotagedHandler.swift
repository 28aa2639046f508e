internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import ServiceKit

/// The HTTP seam with a planted bug in it: what a careless proxy or client library does to a request.
struct SabotagedHandler: HTTPHandler {
  let base: any HTTPHandler
  let sabotage: PlantedBug.RequestSabotage
  let entropy: any EntropySource
  private static let keyField = HTTPField.Name("Idempotency-Key")

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    await base.handle(sabotaged(request), from: peer)
  }

  private func sabotaged(_ request: HTTPRequestMessage) -> HTTPRequestMessage {
    var request = request
    switch sabotage {
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
    }
    return request
  }
}
