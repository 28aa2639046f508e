package import FoundationEssentials
package import HTTPTypes
package import Hummingbird
package import Logging
package import NIOCore
package import Seams

/// What a ``ServiceContext`` is made from.
package struct ServiceRequestSource: RequestContextSource {
  package var logger: Logger
  /// The id that ties together everything done for one request of a client, across services.
  package var correlationId: UUID
  /// When the caller stops waiting, on the service's clock.
  package var deadline: MonotonicInstant
  /// Who sent the request, as the connection says.
  package var peer: HTTPPeer
  /// The whole body.
  package var body: ByteBuffer

  /// A source of the given values.
  package init(
    logger: Logger, correlationId: UUID, deadline: MonotonicInstant, peer: HTTPPeer, body: ByteBuffer = ByteBuffer()
  ) {
    self.logger = logger
    self.correlationId = correlationId
    self.deadline = deadline
    self.peer = peer
    self.body = body
  }
}

/// What a handler knows about its request besides the request itself.
package struct ServiceContext: RequestContext {
  package typealias Source = ServiceRequestSource

  package var coreContext: CoreRequestContextStorage
  /// The id that ties together everything done for one request of a client, across services.
  package let correlationId: UUID
  /// When the caller stops waiting, on the service's clock.
  package let deadline: MonotonicInstant
  /// Who sent the request, as the connection says.
  package let peer: HTTPPeer
  /// The whole body, at most as long as the handler's limit allows.
  package let body: ByteBuffer

  package init(source: ServiceRequestSource) {
    coreContext = CoreRequestContextStorage(source: source)
    correlationId = source.correlationId
    deadline = source.deadline
    peer = source.peer
    body = source.body
  }

  package var requestDecoder: NoCoder { NoCoder() }
  package var responseEncoder: NoCoder { NoCoder() }

  /// The path parameter `name` as a UUID.
  ///
  /// - Throws: `validation_failed` that names the parameter when it is none.
  package func uuidParameter(_ name: String) throws(Problem) -> UUID {
    guard let raw = coreContext.parameters[name[...]] else {
      preconditionFailure("the route has no parameter \(name)")
    }
    guard let id = UUID(text: raw) else {
      throw .validationFailed(name, "expected a UUID in the path, found \"\(excerpt(String(raw)))\"")
    }
    return id
  }
}

/// Stands where Hummingbird has Foundation's coders by default: bodies are read by ``ObjectReader`` and written by
/// ``JSONWriter``, which report every error, refuse what is unknown and order members.
package struct NoCoder: RequestDecoder, ResponseEncoder {
  package struct Refused: Error {}

  package func decode<T: Decodable>(_ type: T.Type, from request: Request, context: some RequestContext) throws -> T {
    throw Refused()
  }

  package func encode(
    _ value: some Encodable, from request: Request, context: some RequestContext
  ) throws -> Response {
    throw Refused()
  }
}

extension Response {
  /// A response with the JSON that `json` holds.
  package static func json(
    _ json: JSONWriter, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    var headers = headers
    headers[.contentType] = "application/json"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: json.buffer))
  }

  /// A response with the JSON object whose members `body` writes.
  package static func json(
    status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], _ body: (inout JSONWriter) -> Void
  ) -> Response {
    var writer = JSONWriter()
    writer.object(body)
    return .json(writer, status: status, headers: headers)
  }
}

extension HTTPField.Name {
  /// Ties together everything done for one request of a client.
  package static let correlationId = HTTPField.Name("X-Correlation-ID")!
  /// How many milliseconds are left of the caller's deadline.
  package static let requestTimeout = HTTPField.Name("X-Request-Timeout-Ms")!
}
