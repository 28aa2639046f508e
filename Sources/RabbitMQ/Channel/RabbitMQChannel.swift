package import Seams
internal import Synchronization

/// What a channel's users and its connection's thread share.
final class ChannelHandle: Sendable {
  let number: UInt16
  private let state = Mutex<(reason: BrokerError?, consumers: Int)>((nil, 0))

  init(number: UInt16) { self.number = number }

  var isOpen: Bool { state.withLock { $0.reason == nil } }

  /// The error of a call on this closed channel.
  var closedError: BrokerError {
    let reason = state.withLock { $0.reason }
    return BrokerError(
      .closed, replyCode: reason?.replyCode, message: "the channel is closed: \(reason?.message ?? "it was never open")"
    )
  }

  /// The channel is gone; called once more it keeps the first reason.
  func ended(_ reason: BrokerError) {
    state.withLock { $0.reason = $0.reason ?? reason }
  }

  /// A tag that no other consumer of the channel has.
  func nextConsumerTag() -> String {
    state.withLock { state in
      state.consumers += 1
      return "zoco-\(number)-\(state.consumers)"
    }
  }
}

/// A channel of a ``RabbitMQConnection``, which lives at least as long.
package final class RabbitMQChannel: RequestingChannel {
  private let handle: ChannelHandle
  private let worker: ConnectionWorker
  private let connection: RabbitMQConnection

  init(_ handle: ChannelHandle, worker: ConnectionWorker, of connection: RabbitMQConnection) {
    self.handle = handle
    self.worker = worker
    self.connection = connection
  }

  package var isOpen: Bool { handle.isOpen }

  package func ask(_ request: BrokerRequest, deadline: MonotonicInstant) async throws -> BrokerAnswer {
    try await ask(request, consumer: nil, deadline: deadline)
  }

  private func ask(
    _ request: BrokerRequest, consumer: RabbitMQConsumer?, deadline: MonotonicInstant
  ) async throws -> BrokerAnswer {
    try Task.checkCancellation()
    if let problem = request.problem { throw BrokerError(.invalidArgument, message: problem) }
    let limit = try worker.limit(of: deadline)
    let reply = Reply<BrokerAnswer>()
    try post(.ask(handle, request, reply, consumer: consumer, deadline: limit))
    return try await reply.value()
  }

  package func publish(
    _ publications: [BrokerPublication], deadline: MonotonicInstant
  ) async throws -> [BrokerPublishOutcome] {
    try Task.checkCancellation()
    if publications.isEmpty { return [] }
    if let problem = BrokerRequest.problem(publications) { throw BrokerError(.invalidArgument, message: problem) }
    let limit = try worker.limit(of: deadline)
    let reply = Reply<[BrokerPublishOutcome]>()
    try post(.publish(handle, publications, reply, deadline: limit))
    return try await reply.value()
  }

  package func consume(
    _ queue: String, prefetch: Int, isExclusive: Bool, deadline: MonotonicInstant
  ) async throws -> BrokerDeliveries {
    let tag = handle.nextConsumerTag()
    let consumer = RabbitMQConsumer()
    let request = BrokerRequest.consume(queue, tag: tag, prefetch: prefetch, isExclusive: isExclusive)
    _ = try await ask(request, consumer: consumer, deadline: deadline)
    return BrokerDeliveries(consumerTag: tag, source: HeldConsumer(consumer: consumer, channel: self))
  }

  package func acknowledge(_ tag: BrokerDeliveryTag, multiple: Bool) throws {
    try post(.acknowledge(handle, tag.number, multiple: multiple))
  }

  package func reject(_ tag: BrokerDeliveryTag, multiple: Bool, requeue: Bool) throws {
    try post(.reject(handle, tag.number, multiple: multiple, requeue: requeue))
  }

  package func close() {
    _ = worker.post(.closeChannel(handle))
    handle.ended(BrokerError(.closed, message: "the channel was closed by this program"))
  }

  private func post(_ command: ConnectionWorker.Command) throws {
    guard isOpen else { throw handle.closedError }
    if let end = worker.post(command) { throw end }
  }
}

extension ConnectionWorker {
  /// `deadline` of the caller's clock on the thread's time line.
  func limit(of deadline: MonotonicInstant) throws -> Int64 {
    guard deadline != .distantFuture else { return .max }
    let left = deadline.nanoseconds &- clock.now.nanoseconds
    guard left > 0 else {
      throw BrokerError(.deadlineExceeded, message: "the deadline had passed before the call")
    }
    return ConnectionThread.now &+ left
  }
}
