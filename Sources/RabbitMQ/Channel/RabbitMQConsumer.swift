internal import Seams
internal import Synchronization

/// The deliveries of one consumer between the connection's thread and the task that reads them: at most the consumer's
/// prefetch.
final class RabbitMQConsumer: BrokerDeliverySource {
  enum End: Sendable {
    /// Cancelled by this program.
    case finished
    case failed(BrokerError)
  }

  private struct State {
    var arrived: [BrokerDelivery] = []
    /// How many of ``arrived`` have been read.
    var read = 0
    var reader: Reply<BrokerDelivery?>?
    var end: End?
  }

  private let state = Mutex(State())

  /// A delivery has arrived.
  func push(_ delivery: BrokerDelivery) {
    let reader = state.withLock { state -> Reply<BrokerDelivery?>? in
      if let reader = state.reader.take() { return reader }
      state.arrived.append(delivery)
      return nil
    }
    // A reader that was cancelled meanwhile takes nothing: the delivery waits for the next one.
    if let reader, !reader.resume(.success(delivery)) { push(delivery) }
  }

  /// No more will arrive. After a failure of the channel, tags of what has arrived mean nothing any more.
  func end(_ end: End) {
    let reader = state.withLock { state -> Reply<BrokerDelivery?>? in
      guard state.end == nil else { return nil }
      state.end = end
      if case .failed(let error) = end, error.code != .consumerEnded {
        state.arrived = []
        state.read = 0
      }
      return state.reader.take()
    }
    switch end {
    case .finished: reader?.resume(.success(nil))
    case .failed(let error): reader?.resume(.failure(error))
    }
  }

  func next() async throws -> BrokerDelivery? {
    try Task.checkCancellation()
    let reply = Reply<BrokerDelivery?>()
    state.withLock { state in
      if state.read < state.arrived.count {
        let delivery = state.arrived[state.read]
        state.read += 1
        if state.read == state.arrived.count {
          state.arrived.removeAll(keepingCapacity: true)
          state.read = 0
        }
        _ = reply.resume(.success(delivery))
        return
      }
      switch state.end {
      case .finished: _ = reply.resume(.success(nil))
      case .failed(let error): _ = reply.resume(.failure(error))
      case nil: state.reader = reply
      }
    }
    return try await reply.value()
  }
}

/// A consumer as its reader has it: it keeps the channel, and so the connection, open.
final class HeldConsumer: BrokerDeliverySource {
  private let consumer: RabbitMQConsumer
  private let channel: RabbitMQChannel

  init(consumer: RabbitMQConsumer, channel: RabbitMQChannel) {
    self.consumer = consumer
    self.channel = channel
  }

  func next() async throws -> BrokerDelivery? { try await consumer.next() }
}
