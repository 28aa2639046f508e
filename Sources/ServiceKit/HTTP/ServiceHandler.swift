internal import FoundationEssentials
internal import HTTPTypes
package import Hummingbird
internal import Logging
internal import NIOCore
package import Seams

/// Answers requests with a router: the one object that the live server and the simulated network both call.
///
/// Around the router it does what every service does alike: correlation ids, deadlines, the body's limit and type,
/// problems as documents, errors of the database as 503 and 504, and one log line for each request.
package struct ServiceHandler: HTTPHandler {
  /// The limits of a request.
  package struct Options: Sendable {
    /// The most bytes a body may have.
    package var bodyLimit = 64 * 1024
    /// How long a request may take when it does not say.
    package var defaultTimeout: Duration = .seconds(10)
    /// How long a request may ask for.
    package var maximumTimeout: Duration = .seconds(60)

    /// Where bodies are those of a page's forms, not JSON: all paths that begin so; `nil`: nowhere.
    package var formPrefix: String?

    /// The default limits.
    package init() {}
  }

  let environment: ServiceEnvironment
  let options: Options
  let drain: GracefulDrain?
  private let responder: RouterResponder<ServiceContext>
  private let routes: RouteTable

  /// A handler that answers with the routes of `router`.
  ///
  /// - Parameter drain: counts requests under way and refuses new ones while the service goes down.
  package init(
    router: Router<ServiceContext>, environment: ServiceEnvironment, options: Options = Options(),
    drain: GracefulDrain? = nil
  ) {
    self.environment = environment
    self.options = options
    self.drain = drain
    routes = RouteTable(router.routes)
    responder = router.buildResponder()
  }

  package func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    let start = environment.clock.now
    let correlationId = Self.correlationId(of: request.head) ?? environment.entropy.uuid()
    guard let drain else { return await answer(request, from: peer, start, correlationId) }
    // Probes are answered to the end: who asks whether the process lives must not be told to kill it.
    if drain.isDraining, request.head.path?.hasPrefix("/health/") == true {
      return await answer(request, from: peer, start, correlationId)
    }
    guard drain.enter() else {
      var problem = Problem.overloaded("The service is going down. Send the same request again.")
      problem.headers[.connection] = "close"
      return finish(Self.response(for: problem, correlationId), to: request.head, start, correlationId, route: nil)
    }
    defer { drain.leave() }
    return await answer(request, from: peer, start, correlationId)
  }

  private func answer(
    _ message: HTTPRequestMessage, from peer: HTTPPeer, _ start: MonotonicInstant, _ correlationId: UUID
  ) async -> HTTPResponseMessage {
    var endpoint: EndpointPath?
    let response: HTTPResponseMessage
    do {
      let deadline = start.advanced(by: try timeout(of: message.head))
      let body = try await body(of: message, until: deadline)
      let context = ServiceContext(
        source: ServiceRequestSource(
          logger: logger(correlationId), correlationId: correlationId, deadline: deadline, peer: peer, body: body))
      endpoint = context.coreContext.endpointPath
      response = try await respond(message.head, body, context)
    } catch {
      let problem = problem(for: error, message.head, correlationId)
      response = Self.response(for: problem, correlationId)
    }
    return finish(response, to: message.head, start, correlationId, route: endpoint)
  }

  private func respond(
    _ head: HTTPRequest, _ body: ByteBuffer, _ context: ServiceContext
  ) async throws -> HTTPResponseMessage {
    var head = head
    // A response to HEAD is GET's without its body (RFC 9110 §9.3.2): `finish` takes the body away.
    if head.method == .head { head.method = .get }
    try RequestTarget.validate(head.path ?? "")
    let request = Request(head: head, body: RequestBody(buffer: body))
    let response = try await responder.respond(to: request, context: context)
    if response.status.code >= 400, response.body.contentLength == 0, response.headers[.contentType] == nil {
      throw problem(forBare: response, request, context)
    }
    if response.body.contentLength == 0 {
      return HTTPResponseMessage(head: response.head)
    }
    let sink = BodySink()
    try await response.body.write(sink)
    return HTTPResponseMessage(head: response.head, body: .bytes(sink.buffer))
  }

  /// The problem for a response without a body that Hummingbird made of an `HTTPError`.
  private func problem(forBare response: Response, _ request: Request, _ context: ServiceContext) -> Problem {
    if context.endpointPath == RouteTable.missName {
      return routes.miss(method: request.method, path: request.uri.path)
    }
    return Problem(
      status: response.status, code: response.status.kind == .clientError ? "bad_request" : "internal",
      title: response.status.reasonPhrase.isEmpty ? "Status \(response.status.code)" : response.status.reasonPhrase,
      detail: "The request could not be answered.", headers: response.headers)
  }

  private func finish(
    _ response: HTTPResponseMessage, to head: HTTPRequest, _ start: MonotonicInstant, _ correlationId: UUID,
    route: EndpointPath?
  ) -> HTTPResponseMessage {
    var response = response
    response.head.headerFields[.correlationId] = correlationId.canonicalText
    if head.method == .head { response.body = .empty }
    var metadata: Logger.Metadata {
      var metadata: Logger.Metadata = [
        "method": .string(head.method.rawValue), "status": .stringConvertible(response.head.status.code),
        "durationMs": .stringConvertible(start.duration(to: environment.clock.now).inMilliseconds),
        "correlationId": .string(correlationId.canonicalText),
      ]
      if let path = route?.value, path != RouteTable.missName { metadata["route"] = .string(path) }
      return metadata
    }
    environment.logger.info("request finished", metadata: metadata)
    return response
  }

  package func answer(toUnreadable request: UnreadableHTTPRequest, from peer: HTTPPeer) async -> HTTPResponseMessage {
    let correlationId = environment.entropy.uuid()
    environment.logger.info(
      "request unreadable",
      metadata: [
        "status": .stringConvertible(request.status.code), "peer": .string(peer.address),
        "correlationId": .string(correlationId.canonicalText),
      ])
    var response = Self.response(for: .unreadable(request), correlationId)
    response.head.headerFields[.correlationId] = correlationId.canonicalText
    return response
  }

  private func logger(_ correlationId: UUID) -> Logger {
    var logger = environment.logger
    // Metadata is copied storage: not for a logger that is silent, as in the simulator.
    if logger.logLevel < .critical { logger[metadataKey: "correlationId"] = .string(correlationId.canonicalText) }
    return logger
  }

  static func response(for problem: Problem, _ correlationId: UUID) -> HTTPResponseMessage {
    let body = problem.body(correlationId: correlationId)
    var fields = problem.headers
    fields[.contentType] = "application/problem+json"
    fields[.contentLength] = String(body.readableBytes)
    return HTTPResponseMessage(head: HTTPResponse(status: problem.status, headerFields: fields), body: .bytes(body))
  }
}

/// Takes the parts of a response's body into one buffer.
///
/// `@unchecked Sendable`: one response is written by one task.
private final class BodySink: ResponseBodyWriter, @unchecked Sendable {
  var buffer = ByteBuffer()

  func write(_ part: ByteBuffer) async throws {
    if buffer.readableBytes == 0 {
      buffer = part
    } else {
      buffer.writeImmutableBuffer(part)
    }
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
