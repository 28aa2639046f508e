import FoundationEssentials
import HTTPTypes
import Logging
import NIOCore
import Seams
import ServiceKit
import SimulationKernel

/// An answer of the service, taken apart.
struct Answer: Sendable {
  var status: Int
  var headers: HTTPFields
  var json: JSONValue

  init(_ message: HTTPResponseMessage) async throws {
    status = message.head.status.code
    headers = message.head.headerFields
    let body = try await message.body.collect(upTo: 1 << 20)
    json = try body.readableBytes > 0 ? StrictJSON.parse(body) : .null
  }

  /// The problem's code; empty when it is none.
  var code: String { json["code"]?.string ?? "" }

  /// The fields that a `validation_failed` problem names, in its order.
  var fields: [String] {
    guard case .array(let errors) = json["errors"] else { return [] }
    return errors.compactMap { $0["field"]?.string }
  }
}

extension HTTPRequestMessage {
  static func make(
    _ method: HTTPRequest.Method, _ path: String, _ body: String = "", headers: HTTPFields = [:]
  ) -> HTTPRequestMessage {
    var headers = headers
    if !body.isEmpty { headers[.contentType] = "application/json" }
    return HTTPRequestMessage(
      head: HTTPRequest(method: method, scheme: "http", authority: "orders", path: path, headerFields: headers),
      body: .bytes(ByteBuffer(string: body)))
  }
}

extension SimulatedProcess {
  /// What a service on this process gets from outside.
  var serviceEnvironment: ServiceEnvironment {
    ServiceEnvironment(
      clock: clock, wallClock: wallClock, entropy: entropy,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}
