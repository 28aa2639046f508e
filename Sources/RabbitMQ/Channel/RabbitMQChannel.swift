package import Seams
internal import Synchronization

/// A channel of a ``RabbitMQConnection``.
package final class RabbitMQChannel: RequestingChannel {
  let number: UInt16
  private let worker: ConnectionWorker
  private let state = Mutex<(reason: BrokerError?, consumers: Int)>((nil, 0))

  init(number: UInt16, worker: ConnectionWorker) {
    self.number = number
    self.worker = worker
  }

  package var isOpen: Bool { state.withLock { $0.reason == nil } }

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
    try post(.ask(self, request, reply, consumer: consumer, deadline: limit))
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
    try post(.publish(self, publications, reply, deadline: limit))
    return try await reply.value()
  }

  package func consume(
    _ queue: String, prefetch: Int, isExclusive: Bool, deadline: MonotonicInstant
  ) async throws -> BrokerDeliveries {
    let tag = state.withLock { state in
      state.consumers += 1
      return "zoco-\(number)-\(state.consumers)"
    }
    let consumer = RabbitMQConsumer()
    let request = BrokerRequest.consume(queue, tag: tag, prefetch: prefetch, isExclusive: isExclusive)
    _ = try await ask(request, consumer: consumer, deadline: deadline)
    return BrokerDeliveries(consumerTag: tag, source: consumer)
  }

  package func acknowledge(_ tag: BrokerDeliveryTag, multiple: Bool) throws {
    try post(.acknowledge(self, tag.number, multiple: multiple))
  }

  package func reject(_ tag: BrokerDeliveryTag, multiple: Bool, requeue: Bool) throws {
    try post(.reject(self, tag.number, multiple: multiple, requeue: requeue))
  }

  package func close() {
    _ = worker.post(.closeChannel(self))
    ended(BrokerError(.closed, message: "the channel was closed by this program"))
  }

  private func post(_ command: ConnectionWorker.Command) throws {
    guard isOpen else { throw closedError }
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
