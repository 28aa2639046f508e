import NIOCore
import NIOPosix

/// A TCP relay on loopback that tests put between a client and the broker, to cut the line, to keep it cut, or to freeze it.
final class Relay: Sendable {
  /// Passes bytes on to the other side's channel, and its end.
  ///
  /// `@unchecked Sendable`: both channels of a pair are on one event loop.
  private final class Glue: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    var other: (any Channel)?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      other?.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }
  }

  private let group: MultiThreadedEventLoopGroup
  private let listener: any Channel
  private let accepted: NIOLoopBoundBox<[any Channel]>
  private let isInterrupted: NIOLoopBoundBox<Bool>
  var port: Int { listener.localAddress?.port ?? 0 }

  /// A relay to `port` on loopback.
  init(to port: Int) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let (accepted, isInterrupted) = try await loop.submit {
      (NIOLoopBoundBox([any Channel](), eventLoop: loop), NIOLoopBoundBox(false, eventLoop: loop))
    }.get()
    self.group = group
    self.accepted = accepted
    self.isInterrupted = isInterrupted
    listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { inbound in
        if isInterrupted.value { return inbound.close() }
        accepted.value.append(inbound)
        let (near, far) = (Glue(), Glue())
        return ClientBootstrap(group: inbound.eventLoop)
          .channelInitializer { outbound in
            near.other = outbound
            far.other = inbound
            return outbound.pipeline.addHandler(far)
          }
          .connect(host: "127.0.0.1", port: port)
          .flatMap { _ in inbound.pipeline.addHandler(near) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  /// Closes every connection that goes through.
  func cut() async throws {
    let accepted = accepted
    try await listener.eventLoop.submit {
      for channel in accepted.value { channel.close(promise: nil) }
      accepted.value = []
    }.get()
  }

  /// Closes every connection, and new ones at once, until ``restore()``.
  func interrupt() async throws {
    let isInterrupted = isInterrupted
    try await listener.eventLoop.submit { isInterrupted.value = true }.get()
    try await cut()
  }

  /// Lets connections through again.
  func restore() async throws {
    let isInterrupted = isInterrupted
    try await listener.eventLoop.submit { isInterrupted.value = false }.get()
  }

  /// Lets nothing from the client through any more, without closing anything.
  func freeze() async throws {
    let accepted = accepted
    try await listener.eventLoop.submit {
      for channel in accepted.value {
        channel.setOption(.autoRead, value: false).whenFailure { _ in }
        (try? channel.pipeline.syncOperations.handler(type: Glue.self))?.other?
          .setOption(.autoRead, value: false).whenFailure { _ in }
      }
    }.get()
  }

  func stop() async throws {
    try await cut()
    try await listener.close()
    try await group.shutdownGracefully()
  }
}
