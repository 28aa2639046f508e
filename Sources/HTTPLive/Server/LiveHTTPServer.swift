import HTTPTypes
import HummingbirdCore
public import Logging
import NIOCore
import NIOPosix
public import Seams
public import ServiceLifecycle
import Synchronization

/// The live side of the HTTP seam for a service: an HTTP/1.1 server that hands each request to an ``HTTPHandler``.
///
/// It stops gracefully: it accepts no more, closes idle connections, and ends when the requests under way have been
/// answered (with `Connection: close`).
public struct LiveHTTPServer: Service {
  private let handler: any HTTPHandler
  private let configuration: LiveHTTPServerConfiguration
  private let logger: Logger
  private let onRunning: @Sendable (LiveHTTPServerAddress) async -> Void

  /// A server that is not yet listening: see ``run()``.
  ///
  /// - Parameters:
  ///   - handler: what answers the requests, on the connection's event loop.
  ///   - onRunning: called once, when the server listens, with the address it got.
  public init(
    handler: any HTTPHandler, configuration: LiveHTTPServerConfiguration = .init(), logger: Logger,
    onRunning: @escaping @Sendable (LiveHTTPServerAddress) async -> Void = { _ in }
  ) {
    self.handler = handler
    self.configuration = configuration
    self.logger = logger
    self.onRunning = onRunning
  }

  /// Listens and serves until the surrounding service group shuts down gracefully or the task is cancelled.
  ///
  /// - Throws: the system's error when the address cannot be bound.
  public func run() async throws {
    let draining = DrainingFlag()
    let server = makeServer(draining: draining, onRunning: onRunning)
    try await withGracefulShutdownHandler {
      try await server.run()
    } onGracefulShutdown: {
      draining.raise()
    }
  }

  /// Listens while `body` runs, then shuts down gracefully.
  ///
  /// - Parameter body: gets the address the server listens on.
  /// - Throws: what `body` throws, or the system's error when the address cannot be bound.
  public func withRunningServer<Value: Sendable>(
    _ body: @Sendable (LiveHTTPServerAddress) async throws -> Value
  ) async throws -> Value {
    let (addresses, listening) = AsyncStream.makeStream(of: LiveHTTPServerAddress.self)
    let draining = DrainingFlag()
    let server = makeServer(draining: draining) { address in
      await onRunning(address)
      listening.yield(address)
      listening.finish()
    }
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { listening.finish() }
        try await server.run()
      }
      var iterator = addresses.makeAsyncIterator()
      guard let address = await iterator.next() else {
        try await group.waitForAll()
        throw CancellationError()
      }
      let value = try await body(address)
      draining.raise()
      try await server.shutdownGracefully()
      try await group.waitForAll()
      return value
    }
  }

  private func makeServer(
    draining: DrainingFlag, onRunning: @escaping @Sendable (LiveHTTPServerAddress) async -> Void
  ) -> Server<HTTPHandlerChannel> {
    Server(
      childChannelSetup: HTTPHandlerChannel(handler: handler, configuration: configuration, draining: draining),
      configuration: ServerConfiguration(
        address: .hostname(configuration.host, port: configuration.port), backlog: configuration.backlog),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? configuration.port
        await onRunning(LiveHTTPServerAddress(host: configuration.host, port: port))
      },
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
      logger: logger)
  }
}

/// Where a server listens.
public struct LiveHTTPServerAddress: Sendable, Hashable, CustomStringConvertible {
  /// The host that was asked for.
  public var host: String
  /// The port that was bound: the system's choice when 0 was asked for.
  public var port: Int

  /// The address of `host` and `port`.
  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// The `host:port` of a request's authority.
  public var description: String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

/// Raised once the server is shutting down.
final class DrainingFlag: Sendable {
  private let flag = Atomic(false)

  var isRaised: Bool { flag.load(ordering: .relaxed) }

  func raise() { flag.store(true, ordering: .relaxed) }
}
