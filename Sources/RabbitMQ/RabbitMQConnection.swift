public import Seams

/// A connection to RabbitMQ through librabbitmq, with a thread of its own.
///
/// Callers hand their work to the thread and wait; the thread sends it, reads what the broker says and answers them.
/// librabbitmq has no call that waits for confirms and sends heartbeats only inside its calls: so the thread polls the
/// socket and a bell, reads every frame that has arrived before it waits again, and takes confirms as the frames they
/// are. When the broker blocks publishers for want of memory or disk, messages wait here, up to their deadlines.
public final class RabbitMQConnection: BrokerConnection {
  private let worker: ConnectionWorker

  /// The connection whose thread runs `worker`.
  init(_ worker: ConnectionWorker) { self.worker = worker }

  deinit { worker.close() }

  public var isOpen: Bool { worker.isOpen }

  public func openChannel(deadline: MonotonicInstant) async throws -> any BrokerChannel {
    try Task.checkCancellation()
    let reply = Reply<ChannelHandle>()
    if let end = worker.post(.openChannel(reply, deadline: try worker.limit(of: deadline))) { throw end }
    return RabbitMQChannel(try await reply.value(), worker: worker, of: self)
  }

  public func close() { worker.close() }
}
