import FoundationEssentials
import HTTPTypes
import NIOCore
import Seams
import SeamsLive
import ServiceKit

/// Somebody who orders, over a socket.
struct LiveCustomer: Sendable {
  let client: LiveClient
  let userId: String
  let secret: Secret

  /// Asks for an order of `quantity` units of each product.
  func order(
    _ products: [UUID], quantity: Int = 1, token: String = "tok_ok", key: String = UUID().uuidString
  ) async throws -> LiveAnswer {
    let items = products.map { "{\"productId\":\"\($0.canonicalText)\",\"quantity\":\(quantity)}" }
    let body = "{\"items\":[\(items.joined(separator: ","))],\"paymentToken\":\"\(token)\"}"
    return try await client.send(
      .post, "/orders", .bytes(ByteBuffer(string: body)),
      fields: fields([.idempotencyKey: key, .contentType: "application/json"]))
  }

  /// Reads an order; waits for its end for at most `wait` seconds.
  func read(_ id: UUID, wait: Int = 0) async throws -> LiveAnswer {
    try await client.send(.get, "/orders/\(id.canonicalText)" + (wait > 0 ? "?wait=\(wait)" : ""), fields: fields([:]))
  }

  /// Orders and waits for the order's end.
  ///
  /// - Returns: its state, with the failure's code behind it: `CONFIRMED`, `FAILED payment_declined`.
  func buy(_ products: [UUID], quantity: Int = 1, token: String = "tok_ok") async throws -> String {
    try await settle(accepted(order(products, quantity: quantity, token: token)))
  }

  /// The order that an answer accepts.
  func accepted(_ answer: LiveAnswer) throws -> UUID {
    guard answer.status == 202, let id = answer.orderId else { throw ConformanceFailure("refused: \(answer.json)") }
    return id
  }

  /// Waits for an order's end.
  func settle(_ id: UUID) async throws -> String {
    let clock = SystemMonotonicClock()
    let deadline = LiveDatabase.soon()
    while clock.now < deadline {
      let answer = try await read(id, wait: 5)
      let status = answer.json["status"]?.string ?? "\(answer.json)"
      guard ["PENDING", "RESERVED", "PAID"].contains(status) else {
        return ([status] + [answer.json["failure"]?["code"]?.string].compactMap { $0 }).joined(separator: " ")
      }
    }
    throw ConformanceFailure("order \(id.canonicalText) does not come to its end")
  }

  private func fields(_ fields: HTTPFields) -> HTTPFields {
    var fields = fields
    fields[.authorization] = "Bearer \(secret.value)"
    fields[.userId] = userId
    return fields
  }
}

extension LiveAnswer {
  /// The order that it is about.
  var orderId: UUID? { json["orderId"]?.string.flatMap { UUID(text: $0) } }
}
