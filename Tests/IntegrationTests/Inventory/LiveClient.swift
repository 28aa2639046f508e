import Checkers
import FoundationEssentials
import HTTPLive
import HTTPTypes
import NIOCore
import Scenarios
import Seams
import ServiceKit

/// A client of one instance of the service, over a socket. It sends what the clients of the simulated scenarios send.
struct LiveClient: Sendable {
  let transport: LiveHTTPTransport
  let authority: String

  func perform(_ operation: ClientRecord.Operation, ttlSeconds: Int? = nil) async throws -> LiveAnswer {
    try await send(
      InventoryRequest.message(operation, authority: authority, timeout: .seconds(20), ttlSeconds: ttlSeconds))
  }

  /// Reserves one unit of each product, in the given order of lines.
  func reserve(_ products: [UUID], order: UUID = UUID(), ttlSeconds: Int? = nil) async throws -> LiveAnswer {
    let lines = products.map { ClientRecord.Line(productId: $0, quantity: 1) }
    return try await perform(.reserve(orderId: order, lines: lines), ttlSeconds: ttlSeconds)
  }

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: HTTPBody = .empty, fields: HTTPFields = [:]
  ) async throws -> LiveAnswer {
    try await send(
      HTTPRequestMessage(
        head: HTTPRequest(
          method: method, scheme: "http", authority: authority, path: path, headerFields: fields), body: body))
  }

  private func send(_ request: HTTPRequestMessage) async throws -> LiveAnswer {
    try await LiveAnswer(transport.send(request, deadline: LiveDatabase.soon()))
  }
}

/// An answer, read to its end.
struct LiveAnswer: Sendable {
  let status: Int
  let fields: HTTPFields
  let json: JSONValue

  init(_ message: HTTPResponseMessage) async throws {
    status = message.head.status.code
    fields = message.head.headerFields
    let body = try await message.body.collect(upTo: 1 << 20)
    json = body.readableBytes > 0 ? try StrictJSON.parse(body) : .null
  }

  /// The problem's code; empty when it is none.
  var code: String { json["code"]?.string ?? "" }

  /// Status and code in one: `200`, `409 insufficient_stock`.
  var outcome: String { code.isEmpty ? "\(status)" : "\(status) \(code)" }

  var reservationId: UUID? { json["reservationId"]?.string.flatMap { UUID(text: $0) } }
}

extension [LiveAnswer] {
  /// How many answers there are of each outcome.
  var tally: [String: Int] { reduce(into: [:]) { $0[$1.outcome, default: 0] += 1 } }
}
