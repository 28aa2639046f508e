import FoundationEssentials
import HTTPTypes
import Seams
import ServiceKit
import Synchronization

/// Takes the notifications of customers.
final class NotificationLog: HTTPHandler {
  private let types = Mutex<[UUID: String]>([:])

  /// The types of the notifications that have arrived, by their ids.
  var told: [UUID: String] { types.withLock(\.self) }

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    guard let body = try? await request.body.collect(upTo: 1 << 16), let json = try? StrictJSON.parse(body),
      let id = json["id"]?.string.flatMap({ UUID(text: $0) })
    else { return HTTPResponseMessage(head: HTTPResponse(status: .badRequest)) }
    types.withLock { $0[id] = json["type"]?.string }
    return HTTPResponseMessage(head: HTTPResponse(status: .noContent))
  }
}
