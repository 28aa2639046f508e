internal import Crypto
internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import ServiceKit

/// Who is told of orders' ends: takes what is signed with the shared secret, and remembers it.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class NotificationReceiver: HTTPHandler, @unchecked Sendable {
  static let secret = Secret("a secret of the simulated receiver")

  /// The types of the notifications that arrived, by their ids.
  private(set) var told: [UUID: String] = [:]
  /// How many posts came.
  private(set) var posts = 0

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    guard case .bytes(let body) = request.body, isSigned(request.head, body),
      let json = try? StrictJSON.parse(body), let id = json["id"]?.string.flatMap({ UUID(text: $0) })
    else { return HTTPResponseMessage(head: HTTPResponse(status: .unauthorized), body: .bytes(ByteBuffer())) }
    posts += 1
    told[id] = json["type"]?.string
    return HTTPResponseMessage(head: HTTPResponse(status: .noContent), body: .bytes(ByteBuffer()))
  }

  /// Whether `X-Zoco-Signature` is what its description says: an HMAC over time and body.
  private func isSigned(_ head: HTTPRequest, _ body: ByteBuffer) -> Bool {
    guard let name = HTTPField.Name("X-Zoco-Signature"), let value = head.headerFields[name] else { return false }
    let parts = value.split(separator: ",").map { $0.split(separator: "=").map(String.init) }
    guard parts.count == 2, parts[0].first == "t", parts[1].first == "v1", let time = parts[0].last else {
      return false
    }
    var code = HMAC<SHA256>(key: SymmetricKey(data: Array(Self.secret.value.utf8)))
    code.update(data: Array("\(time).".utf8))
    code.update(data: Array(body.readableBytesView))
    let digits = Array("0123456789abcdef".utf8)
    let hex = code.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return parts[1].last.map { Array($0.utf8) } == hex
  }
}
