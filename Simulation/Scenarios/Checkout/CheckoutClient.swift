internal import Checkers
internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import ServiceKit
internal import SimulatedNetwork
internal import SimulationKernel

/// A customer: orders, asks again with the same key until there is an answer, waits, looks around, and sometimes cancels.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class CheckoutClient: @unchecked Sendable {
  /// An answer that could be read.
  struct Answer {
    var status: Int
    var json: JSONValue
    /// The order that it is about.
    var orderId: UUID? { json["orderId"]?.string.flatMap { UUID(text: $0) } }
    /// The state of the order that it is about.
    var orderStatus: String? { json["status"]?.string }
    var code: String? { json["code"]?.string }
  }

  /// An order as it is asked for.
  struct Wish {
    var key: String
    var lines: [(product: UUID, quantity: Int)]
    var token: String

    var body: String {
      let items = lines.map { "{\"productId\":\"\($0.product.canonicalText)\",\"quantity\":\($0.quantity)}" }
      return "{\"items\":[\(items.joined(separator: ","))],\"paymentToken\":\"\(token)\"}"
    }
  }

  let name: String
  /// Who orders: keys are told apart by it.
  var userId: String
  let stream: RandomStream
  let process: SimulatedProcess
  private let transport: SimulatedHTTPTransport
  private let world: CheckoutWorld

  init(_ name: String, on process: SimulatedProcess, in world: CheckoutWorld) {
    self.name = name
    userId = name.replacing(" ", with: "-")
    self.process = process
    self.world = world
    stream = world.kernel.stream("customer \(name)")
    transport = SimulatedHTTPTransport(process: process, network: world.world.network)
  }

  func think(_ time: Duration) async throws {
    try await process.clock.sleep(until: process.clock.now.advanced(by: time), tolerance: nil)
  }

  /// A wish for one to three of the products, one to three of each.
  func wish(_ key: String, token: String) -> Wish {
    var products = world.products
    let count = 1 + stream.index(below: min(3, products.count))
    for index in 0..<count { products.swapAt(index, index + stream.index(below: products.count - index)) }
    return Wish(key: key, lines: products[..<count].map { ($0, 1 + stream.index(below: 3)) }, token: token)
  }

  /// Orders, and asks again with the same key until somebody says that the order is accepted.
  ///
  /// - Returns: the order that was accepted; `nil` when nobody said so in `attempts`.
  func order(_ wish: Wish, attempts: Int = 8) async throws -> UUID? {
    for _ in 1...attempts {
      if let answer = try await ask(wish), answer.status == 202, let id = answer.orderId { return id }
      try await think(stream.jittered(.milliseconds(300), spread: 0.5))
    }
    return nil
  }

  /// Asks once for an order.
  func ask(_ wish: Wish) async throws -> Answer? {
    let answer = try await send(.post, "/orders", wish.body, key: wish.key)
    if let answer, answer.status == 202, let id = answer.orderId { world.heard("\(userId) \(wish.key)", accepted: id) }
    return answer
  }

  func cancel(_ id: UUID) async throws -> Answer? {
    let start = world.kernel.now
    let answer = try await send(.post, "/orders/\(id.canonicalText)/cancel", "")
    if answer?.status == 202 { world.heard(cancelOf: id, since: start) }
    return answer
  }

  /// Reads an order; waits for its end for at most `wait` seconds.
  func read(_ id: UUID, wait: Int = 0) async throws -> Answer? {
    let start = world.kernel.now
    let answer = try await send(
      .get, "/orders/\(id.canonicalText)" + (wait > 0 ? "?wait=\(wait)" : ""), "", mayWait: wait > 0)
    if let answer, answer.status == 200, let status = answer.orderStatus {
      world.heard(order: id, told: status, since: start)
    }
    return answer
  }

  /// Waits until an order is over, or for two minutes.
  ///
  /// - Returns: its final state; `nil` when it is not known.
  @discardableResult
  func settle(_ id: UUID) async throws -> String? {
    for _ in 1...12 {
      if let status = try await read(id, wait: 8)?.orderStatus, ["CONFIRMED", "FAILED", "CANCELLED"].contains(status) {
        return status
      }
      try await think(.milliseconds(500))
    }
    return nil
  }

  /// Does what operators do.
  func administer(_ method: HTTPRequest.Method, _ path: String) async throws -> Answer? {
    try await send(method, path, "", roles: "admin")
  }

  /// Looks at the stock of a product, at its page in the catalogue, or at the orders of this customer.
  func lookAround() async throws {
    let product = stream.pick(world.products).canonicalText
    switch stream.index(below: 4) {
    case 0: _ = try await send(.get, "/products/\(product)", "")
    case 1: _ = try await send(.get, "/orders?limit=5", "")
    default: _ = try await send(.get, "/inventory/\(product)", "", at: world.inventoryAddress(stream))
    }
  }

  /// One attempt; `nil` when it brought no answer that can be read.
  private func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String, key: String? = nil, mayWait: Bool = false,
    at authority: String? = nil, roles: String? = nil
  ) async throws -> Answer? {
    let token = world.kernel.beginOperation("\(self.name): \(method) \(path)")
    defer { world.kernel.endOperation(token) }
    var head = HTTPRequest(
      method: method, scheme: "http", authority: authority ?? world.ordersAddress(stream), path: path)
    head.headerFields[HTTPField.Name("X-User-Id")!] = userId
    if let roles { head.headerFields[HTTPField.Name("X-User-Roles")!] = roles }
    if let key { head.headerFields[.idempotencyKey] = key }
    if !body.isEmpty { head.headerFields[.contentType] = "application/json" }
    world.world.requestCount += 1
    let start = world.kernel.now
    let answer = try await exchange(HTTPRequestMessage(head: head, body: .bytes(ByteBuffer(string: body))))
    world.kernel.record(
      .operation, host: process.host, UInt64(answer?.status ?? 0),
      detail: "\(name): \(method) \(path): \(answer.map { "\($0.status)" } ?? "no answer")")
    if !mayWait { world.judge("\(name): \(method) \(path)", answeredWith: answer?.status, since: start) }
    return answer
  }

  private func exchange(_ request: HTTPRequestMessage) async throws -> Answer? {
    do {
      let response = try await transport.send(
        request, deadline: process.clock.now.advanced(by: .seconds(10)))
      let bytes = try await response.body.collect(upTo: 1 << 20)
      return (try? StrictJSON.parse(bytes)).map { Answer(status: response.head.status.code, json: $0) }
    } catch is HTTPTransportError {
      return nil
    }
  }
}
