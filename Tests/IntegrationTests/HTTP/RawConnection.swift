import HTTPLive
import NIOCore
import NIOPosix
import Testing

/// A TCP connection that carries what the test says, byte for byte.
struct RawConnection: Sendable {
  private let received: Received
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

  /// Connects to `address`, runs `body`, closes.
  static func to<Value: Sendable>(
    _ address: LiveHTTPServerAddress, _ body: @Sendable (RawConnection) async throws -> Value
  ) async throws -> Value {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
      .connect(host: address.host, port: address.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      try await body(RawConnection(received: Received(inbound.makeAsyncIterator()), outbound: outbound))
    }
  }

  /// Listens on a free port and answers every connection's first bytes with `answer`, then closes.
  static func server<Value: Sendable>(
    answering answer: String, _ body: @Sendable (LiveHTTPServerAddress) async throws -> Value
  ) async throws -> Value {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let port = try #require(server.channel.localAddress?.port)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await server.executeThenClose { connections in
          for try await connection in connections {
            try await connection.executeThenClose { inbound, outbound in
              for try await _ in inbound {
                try await outbound.write(ByteBuffer(string: answer))
                break
              }
            }
          }
        }
      }
      let value = try await body(LiveHTTPServerAddress(host: "127.0.0.1", port: port))
      group.cancelAll()
      return value
    }
  }

  /// Returns when nobody accepts connections at `address` any more.
  static func untilRefused(_ address: LiveHTTPServerAddress) async {
    while true {
      do {
        try await to(address) { _ in }
        await Task.yield()
      } catch {
        return
      }
    }
  }

  func send(_ text: String) async throws {
    try await outbound.write(ByteBuffer(string: text))
  }

  func closeOutput() {
    outbound.finish()
  }

  /// What the peer sends until `marker` has come (inclusive of everything read with it).
  func read(until marker: String) async throws -> String {
    try await received.read { $0.contains(marker) }
  }

  /// What the peer sends until it closes.
  func readToEnd() async throws -> String {
    try await received.read { _ in false }
  }

  /// `@unchecked Sendable`: a test reads a connection from one task.
  private final class Received: @unchecked Sendable {
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator

    init(_ iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) { self.iterator = iterator }

    func read(until isEnough: (String) -> Bool) async throws -> String {
      var text = ""
      while !isEnough(text), let part = try await iterator.next(isolation: nil) { text += String(buffer: part) }
      return text
    }
  }
}
