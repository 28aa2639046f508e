internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import ServiceKit
internal import SimulatedNetwork
internal import SimulationKernel

/// A customer: orders, asks again with the same key until there is an answer, waits, and sometimes cancels.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class CheckoutClient: @unchecked Sendable {
  let name: String
  let stream: RandomStream
  private let process: SimulatedProcess
  private let transport: SimulatedHTTPTransport
  private let world: CheckoutWorld

  init(_ name: String, on process: SimulatedProcess, in world: CheckoutWorld) {
    self.name = name
    self.process = process
    self.world = world
    stream = world.kernel.stream("customer \(name)")
    transport = SimulatedHTTPTransport(process: process, network: world.world.network)
  }

  func think(_ time: Duration) async throws {
    try await process.clock.sleep(until: process.clock.now.advanced(by: time), tolerance: nil)
  }

  /// Orders some products.
  ///
  /// - Returns: the order that was accepted; `nil` when nobody said so in eight attempts.
  func order(_ key: String, token: String) async throws -> UUID? {
    var products = world.products
    let count = 1 + stream.index(below: min(3, products.count))
    for index in 0..<count { products.swapAt(index, index + stream.index(below: products.count - index)) }
    let items = products[..<count].map {
      "{\"productId\":\"\($0.canonicalText)\",\"quantity\":\(1 + stream.index(below: 3))}"
    }
    let body = "{\"items\":[\(items.joined(separator: ","))],\"paymentToken\":\"\(token)\"}"
    for _ in 1...8 {
      if let answer = try await send(.post, "/orders", body, key: key), answer.status == 202,
        let id = answer.json["orderId"]?.string.flatMap({ UUID(text: $0) })
      {
        world.promise("\(name) \(key)", id)
        return id
      }
      try await think(stream.jittered(.milliseconds(300), spread: 0.5))
    }
    return nil
  }

  func cancel(_ id: UUID) async throws { _ = try await send(.post, "/orders/\(id.canonicalText)/cancel", "") }

  /// Waits until an order is over, or for two minutes.
  func settle(_ id: UUID) async throws {
    for _ in 1...12 {
      let answer = try await send(.get, "/orders/\(id.canonicalText)?wait=8", "")
      if ["CONFIRMED", "FAILED", "CANCELLED"].contains(answer?.json["status"]?.string ?? "") { return }
      try await think(.milliseconds(500))
    }
  }

  /// One attempt; `nil` when it brought no answer that can be read.
  private func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String, key: String? = nil
  ) async throws -> (status: Int, json: JSONValue)? {
    let token = world.kernel.beginOperation("\(self.name): \(method) \(path)")
    defer { world.kernel.endOperation(token) }
    var head = HTTPRequest(method: method, scheme: "http", authority: world.instance(stream), path: path)
    head.headerFields[HTTPField.Name("X-User-Id")!] = name.replacing(" ", with: "-")
    if let key { head.headerFields[.idempotencyKey] = key }
    if !body.isEmpty { head.headerFields[.contentType] = "application/json" }
    world.world.requestCount += 1
    do {
      let response = try await transport.send(
        HTTPRequestMessage(head: head, body: .bytes(ByteBuffer(string: body))),
        deadline: process.clock.now.advanced(by: .seconds(10)))
      let bytes = try await response.body.collect(upTo: 1 << 20)
      guard let json = try? StrictJSON.parse(bytes) else { return nil }
      world.kernel.record(
        .operation, host: process.host, UInt64(response.head.status.code),
        detail: "\(name): \(method) \(path): \(response.head.status.code)")
      return (response.head.status.code, json)
    } catch is HTTPTransportError {
      return nil
    }
  }
}
