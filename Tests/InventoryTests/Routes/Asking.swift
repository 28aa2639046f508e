import HTTPTypes
import Inventory
import Logging
import NIOCore
import Seams
import ServiceKit
import SimulationKernel
import Synchronization
import Testing

/// An answer of the service, taken apart.
struct Answer: Sendable {
  var status: Int
  var headers: HTTPFields
  var text: String
  var json: JSONValue

  init(_ message: HTTPResponseMessage) async throws {
    status = message.head.status.code
    headers = message.head.headerFields
    let body = try await message.body.collect(upTo: 1 << 20)
    text = String(buffer: body)
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

/// Asks a service that has no database, on a kernel of its own.
func ask(
  _ method: HTTPRequest.Method, _ path: String, _ body: String = "", headers: HTTPFields = [:]
) -> Answer {
  let answer = Mutex<Answer?>(nil)
  let kernel = SimulationKernel(seed: 1)
  let outcome = kernel.run { process in
    let service = InventoryService(
      environment: process.serviceEnvironment, connector: UnreachableConnector())
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await service.run() }
      let message = await service.handler.handle(
        .make(method, path, body, headers: headers), from: HTTPPeer(address: "test"))
      let taken = try await Answer(message)
      answer.withLock { $0 = taken }
      await service.shutdown(deadline: process.clock.now.advanced(by: .seconds(30)))
      try await group.waitForAll()
    }
  }
  #expect(outcome == .finished)
  guard let answer = answer.withLock({ $0 }) else { preconditionFailure("the service did not answer") }
  return answer
}

extension HTTPRequestMessage {
  static func make(
    _ method: HTTPRequest.Method, _ path: String, _ body: String = "", headers: HTTPFields = [:]
  ) -> HTTPRequestMessage {
    var headers = headers
    if !body.isEmpty { headers[.contentType] = "application/json" }
    return HTTPRequestMessage(
      head: HTTPRequest(method: method, scheme: "http", authority: "inventory", path: path, headerFields: headers),
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

/// A database that cannot be reached.
struct UnreachableConnector: SQLConnector {
  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    throw SQLError(.connectFailed, message: "no server here")
  }
}
