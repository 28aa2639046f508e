import HTTPTypes
import Hummingbird
import NIOCore
import Seams
import Testing

@testable import ServiceKit

/// A response as a test looks at it.
struct Exchange: Sendable {
  static let id = "00000000-0000-4000-8000-000000000001"

  var status: Int
  var fields: HTTPFields
  var text: String

  /// The body as JSON; null when it is none.
  var json: JSONValue { (try? StrictJSON.parse(text)) ?? .null }

  init(_ response: HTTPResponseMessage) async throws {
    status = response.head.status.code
    fields = response.head.headerFields
    text = String(buffer: try await response.body.collect(upTo: 1 << 20))
  }

  /// Expects a whole problem document.
  func expectProblem(_ status: Int, _ code: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(self.status == status, sourceLocation: sourceLocation)
    #expect(fields[.contentType] == "application/problem+json", sourceLocation: sourceLocation)
    #expect(fields[.contentLength] == "\(text.utf8.count)", sourceLocation: sourceLocation)
    #expect(json["type"]?.string == "urn:zoco:problem:" + code, sourceLocation: sourceLocation)
    #expect(json["code"]?.string == code, sourceLocation: sourceLocation)
    #expect(json["status"]?.integer == status, sourceLocation: sourceLocation)
    #expect(json["title"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
    #expect(json["detail"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
    #expect(json["correlationId"]?.string == fields[.correlationId], sourceLocation: sourceLocation)
  }

  /// Sends one request to the test's routes, in the simulator.
  static func run(
    _ method: HTTPRequest.Method, _ path: String, fields: HTTPFields = [:], body: String = "", stream: [String]? = nil
  ) async throws -> Exchange {
    let result = Log<Exchange>()
    let request = HTTPRequest(method: method, scheme: "http", authority: "a", path: path, headerFields: fields)
    simulate { environment in
      let handler = ServiceHandler(router: routes(environment), environment: environment)
      let body: HTTPBody =
        stream.map { .stream(HTTPBodyStream(Parts(parts: $0.map { ByteBuffer(string: $0) }))) }
        ?? .bytes(ByteBuffer(string: body))
      let response = await handler.handle(
        HTTPRequestMessage(head: request, body: body), from: HTTPPeer(address: "client"))
      result.append(try await Exchange(response))
    }
    return try #require(result.entries.first)
  }

  struct Parts: AsyncSequence, Sendable {
    var parts: [ByteBuffer]

    struct AsyncIterator: AsyncIteratorProtocol {
      var rest: ArraySlice<ByteBuffer>
      mutating func next() async throws -> ByteBuffer? { rest.popFirst() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: parts[...]) }
  }

  static func routes(_ environment: ServiceEnvironment) -> Router<ServiceContext> {
    let router = Router(context: ServiceContext.self)
    router.get("/things/:id") { _, context in
      let id = try context.uuidParameter("id")
      return Response.json { $0.member("id", id) }
    }
    router.put("/things/:id") { _, _ in Response(status: .noContent) }
    router.get("/deadline") { _, context in
      let left = environment.clock.now.duration(to: context.deadline)
      return Response.json { $0.member("milliseconds", Int(left.nanosecondsClamped / 1_000_000)) }
    }
    router.post("/things/sort") { _, _ in Response(status: .noContent) }
    router.post("/things/mend/:id") { _, _ in Response(status: .noContent) }
    router.post("/empty") { _, _ in Response(status: .noContent) }
    router.post("/echo") { _, context in
      let reader = try ObjectReader(context.body)
      let a = reader.integer("a", in: 0...9)
      try reader.finish()
      return Response.json { $0.member("a", a) }
    }
    router.get("/fails/:kind") { _, context -> Response in
      throw failure(context.parameters.get("kind") ?? "")
    }
    return router
  }

  struct Unexpected: Error { var text = "secret" }

  private static func failure(_ kind: String) -> any Error {
    func server(_ state: SQLState) -> SQLError { SQLError(.server, sqlState: state, message: "secret") }
    return switch kind {
    case "lost": SQLError(.connectionLost, message: "secret")
    case "ambiguous": SQLError(.connectionLost, message: "secret", commitMayHaveTakenEffect: true)
    case "late": SQLError(.deadlineExceeded, message: "secret")
    case "exhausted": SQLError(.poolExhausted, message: "secret")
    case "down":
      SQLError(.poolExhausted, message: "secret", cause: SQLError(.connectFailed, message: "secret"))
    case "deadlock": server(.deadlockDetected)
    case "canceled": server(.queryCanceled)
    case "syntax": server("42601")
    case "teapot": HTTPError(.init(code: 418))
    default: Unexpected()
    }
  }
}
