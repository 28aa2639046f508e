import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import Seams

/// One connection: reads requests, has them answered one at a time, writes the answers.
///
/// It stands in place of Hummingbird's own channel because a request crosses our seam without Hummingbird's `Request`
/// in between, and because it bounds what it reads of a body that nobody wanted.
struct HTTPHandlerChannel: ServerChildChannel {
  typealias Value = AcceptedConnection

  private let handler: any HTTPHandler
  private let configuration: LiveHTTPServerConfiguration
  private let draining: DrainingFlag
  private let pipeline: HTTP1Channel
  private let date = HTTPDateField()

  init(handler: any HTTPHandler, configuration: LiveHTTPServerConfiguration, draining: DrainingFlag) {
    self.handler = handler
    self.configuration = configuration
    self.draining = draining
    // Only its pipeline is used: codec, limits, idle time-out, quiescing.
    pipeline = HTTP1Channel(
      responder: { _, _, _ in preconditionFailure("requests are answered by HTTPHandlerChannel") },
      configuration: HTTP1Channel.Configuration(
        idleTimeout: .nanoseconds(configuration.idleTimeout.nanosecondsClamped),
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: configuration.maximumHeaderFieldSize,
          maxHeaderListSize: configuration.maximumHeaderSize,
          maxHeaderFieldCount: configuration.maximumHeaderFieldCount)))
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    pipeline.setup(channel: channel, logger: logger).map { AcceptedConnection($0) }
  }

  func handle(value connection: Value, logger: Logger) async {
    let executor = EventLoopTaskExecutor(connection.channel.eventLoop)
    await withTaskExecutorPreference(executor) {
      do {
        try await withTaskCancellationHandler {
          try await connection.take().executeThenClose { inbound, outbound in
            try await serve(connection.channel, inbound, outbound)
          }
        } onCancel: {
          connection.channel.close(promise: nil)
        }
      } catch {
        logger.debug("a connection ended with an error", metadata: ["error": "\(error)"])
      }
    }
  }

  private func serve(
    _ channel: any Channel, _ inbound: RequestReader.Inbound, _ outbound: RequestReader.Outbound
  ) async throws {
    let reader = RequestReader(inbound, answering: outbound)
    let peer = HTTPPeer(address: channel.remoteAddress?.ipAddress ?? "unknown")
    do {
      while let head = try await reader.nextHead() {
        let keepsConnection = try await exchange(head, from: peer, reader, outbound)
        guard keepsConnection else { break }
      }
    } catch let error as InvalidRequest {
      try await refuse(error, from: peer, outbound)
    } catch let error as HTTPParserError {
      try await refuse(InvalidRequest(error), from: peer, outbound)
    }
    outbound.finish()
    try await linger(channel, reader)
  }

  /// Has one request answered.
  ///
  /// - Returns: whether the connection can carry another one.
  private func exchange(
    _ head: HTTPRequest, from peer: HTTPPeer, _ reader: RequestReader, _ outbound: RequestReader.Outbound
  ) async throws -> Bool {
    let body = try await reader.body(of: head, wholeBodyLimit: configuration.wholeBodyLimit)
    let response = await handler.handle(HTTPRequestMessage(head: head, body: body), from: peer)
    // A body that the handler did not want, such as one that is too large, is not read to its end to find the next
    // request behind it.
    let keepsConnection =
      !reader.isInsideBody && !draining.isRaised && !head.headerFields.asksToClose
      && !response.head.headerFields.asksToClose
    try await write(response, to: head, keepsConnection: keepsConnection, outbound)
    return keepsConnection
  }

  private func write(
    _ response: HTTPResponseMessage, to request: HTTPRequest, keepsConnection: Bool, _ outbound: RequestReader.Outbound
  ) async throws {
    var head = response.head
    if head.headerFields[.date] == nil { head.headerFields[.date] = date.value }
    if !keepsConnection { head.headerFields[.connection] = "close" }
    let isBodiless = request.method == .head || head.status == .noContent || head.status == .notModified
    switch response.body {
    case .bytes(let buffer):
      if head.status != .noContent, head.status != .notModified, head.headerFields[.contentLength] == nil {
        head.headerFields[.contentLength] = String(buffer.readableBytes)
      }
      if isBodiless || buffer.readableBytes == 0 {
        try await outbound.write(contentsOf: [.head(head), .end(nil)])
      } else {
        try await outbound.write(contentsOf: [.head(head), .body(buffer), .end(nil)])
      }
    case .stream(let parts):
      try await outbound.write(.head(head))
      if !isBodiless {
        // An error inside the body leaves it without its end and closes the connection: the peer sees it cut off.
        for try await part in parts { try await outbound.write(.body(part)) }
      }
      try await outbound.write(.end(nil))
    }
  }

  /// Answers bytes that are no HTTP request: the last answer on the connection.
  private func refuse(
    _ error: InvalidRequest, from peer: HTTPPeer, _ outbound: RequestReader.Outbound
  ) async throws {
    let response = await handler.answer(
      toUnreadable: error.isHeaderOverflow ? .headerFieldsTooLarge : .malformed, from: peer)
    let request = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/")
    try await write(response, to: request, keepsConnection: false, outbound)
  }

  /// Our side is closed; reads on until the peer has closed its own, bounded in time. Closing with unread input would
  /// reset the connection, and the peer might lose the answer.
  private func linger(_ channel: any Channel, _ reader: RequestReader) async throws {
    let limit = TimeAmount.nanoseconds(configuration.lingerTimeout.nanosecondsClamped)
    let timer = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    defer { timer.cancel() }
    try await reader.discardEverything()
  }
}

extension HTTPFields {
  /// Whether `Connection` lists `close` (RFC 9112 §9.6).
  fileprivate var asksToClose: Bool {
    guard let value = self[.connection] else { return false }
    return value.lowercased().split(separator: ",").contains { $0.trimmingSpaces == "close" }
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    let start = drop { $0 == " " || $0 == "\t" }
    let end = start.lastIndex { $0 != " " && $0 != "\t" }
    return end.map { start[...$0] } ?? ""
  }
}
