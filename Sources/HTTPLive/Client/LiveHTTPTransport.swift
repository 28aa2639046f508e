import AsyncHTTPClient
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
public import Seams

/// The live side of the HTTP seam for a caller: AsyncHTTPClient with its own opinions switched off.
///
/// It follows no redirect, retries nothing and decompresses nothing: policy is above the seam. Connections are kept
/// and reused. A response's body of at most ``LiveHTTPTransportConfiguration/wholeBodyLimit`` bytes of declared length
/// is read before ``send(_:deadline:)`` returns; a longer or chunked one is a stream under the same deadline.
public struct LiveHTTPTransport: HTTPTransport {
  private let client: HTTPClient
  private let clock: any MonotonicClock
  private let configuration: LiveHTTPTransportConfiguration

  /// A transport without connections. It must be shut down: see ``shutdown()``.
  ///
  /// - Parameter clock: the clock on which deadlines are points.
  public init(clock: any MonotonicClock, configuration: LiveHTTPTransportConfiguration = .init()) {
    self.clock = clock
    self.configuration = configuration
    var settings = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
    settings.httpVersion = .http1Only
    settings.timeout.connect = .nanoseconds(configuration.connectTimeout.nanosecondsClamped)
    settings.connectionPool.idleTimeout = .nanoseconds(configuration.idleTimeout.nanosecondsClamped)
    settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.connectionsPerHost
    settings.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: settings)
  }

  public func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
    let peer = request.head.authority ?? ""
    let outgoing = try request.asHTTPClientRequest()
    try Task.checkCancellation()
    let left = clock.now.duration(to: deadline)
    guard left > .zero else {
      throw HTTPTransportError(.deadlineExceeded, "the deadline had passed before \(peer) was asked")
    }
    let end = NIODeadline.now() + .nanoseconds(min(left, .seconds(86_400 * 365)).nanosecondsClamped)
    let response: HTTPClientResponse
    do {
      response = try await client.execute(outgoing, deadline: end)
    } catch {
      throw HTTPTransportError.mapping(error, from: peer, phase: .head)
    }
    return try await response.asMessage(
      from: peer, isAnswerToHead: request.head.method == .head, wholeBodyLimit: configuration.wholeBodyLimit,
      timer: DeadlineTimer(clock: clock, deadline: deadline))
  }

  /// Closes every connection; requests under way fail.
  public func shutdown() async throws {
    try await client.shutdown()
  }
}

/// How a ``LiveHTTPTransport`` connects.
public struct LiveHTTPTransportConfiguration: Sendable {
  /// The most time to open a connection; a request's deadline bounds it too.
  public var connectTimeout = Duration.seconds(5)
  /// How long an unused connection is kept.
  public var idleTimeout = Duration.seconds(30)
  /// The most connections to one peer; more requests wait for one, under their deadline.
  public var connectionsPerHost = 128
  /// The longest declared body that is read before the response is returned, in bytes.
  public var wholeBodyLimit = 1024 * 1024

  /// A configuration with the defaults of its members.
  public init() {}
}

extension HTTPRequestMessage {
  /// - Throws: ``HTTPTransportError/Code/connectionRefused`` when there is no authority to connect to.
  fileprivate func asHTTPClientRequest() throws -> HTTPClientRequest {
    guard let authority = head.authority, !authority.isEmpty else {
      throw HTTPTransportError(.connectionRefused, "the request names no authority to connect to")
    }
    let scheme = head.scheme ?? "http"
    var request = HTTPClientRequest(url: "\(scheme)://\(authority)\(head.path ?? "/")")
    request.method = HTTPMethod(rawValue: head.method.rawValue)
    request.headers.reserveCapacity(head.headerFields.count)
    for field in head.headerFields where field.name != .contentLength {
      request.headers.add(name: field.name.rawName, value: field.value)
    }
    switch body {
    case .bytes(let buffer):
      if buffer.readableBytes > 0 { request.body = .bytes(buffer) }
    case .stream(let stream):
      let declared = head.headerFields[.contentLength].flatMap { Int64($0) }
      request.body = .stream(stream, length: declared.map { .known($0) } ?? .unknown)
    }
    return request
  }
}

extension HTTPClientResponse {
  fileprivate func asMessage(
    from peer: String, isAnswerToHead: Bool, wholeBodyLimit: Int, timer: DeadlineTimer
  ) async throws -> HTTPResponseMessage {
    var fields = HTTPFields()
    fields.reserveCapacity(headers.count)
    for (name, value) in headers {
      guard let name = HTTPField.Name(name) else { continue }
      fields.append(HTTPField(name: name, value: value))
    }
    let head = HTTPResponse(
      status: .init(code: Int(status.code), reasonPhrase: status.reasonPhrase), headerFields: fields)
    let declared = fields[.contentLength].flatMap { Int($0) }
    if isAnswerToHead || declared == 0 || status == .noContent || status == .notModified {
      return HTTPResponseMessage(head: head)
    }
    let parts = ResponseBodyParts(body: body, peer: peer, timer: timer)
    guard let declared, declared <= wholeBodyLimit else {
      return HTTPResponseMessage(head: head, body: .stream(HTTPBodyStream(parts)))
    }
    let whole = try await parts.collect()
    return HTTPResponseMessage(head: head, body: .bytes(whole))
  }
}
