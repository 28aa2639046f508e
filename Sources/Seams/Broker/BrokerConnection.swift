/// The broker seam: opens connections. Live: librabbitmq. Simulated: a broker's double behind the message network.
public protocol BrokerConnector: Sendable {
  /// Opens a connection.
  ///
  /// - Parameter deadline: when to give up, on the connector's own clock; covers name resolution, TLS and sign-in, over
  ///   all hosts.
  /// - Throws: ``BrokerError`` with ``BrokerError/Code/connectFailed``, with the broker's reply code where it answered;
  ///   `CancellationError` when the task is cancelled.
  func connect(deadline: MonotonicInstant) async throws -> any BrokerConnection
}

/// One connection to a broker, which carries any number of channels. Safe for use by many tasks.
///
/// Its channels keep it open; close it when it has served its purpose.
public protocol BrokerConnection: AnyObject, Sendable {
  /// Whether the connection is open, as far as this side knows.
  var isOpen: Bool { get }

  /// Opens a channel that confirms what is published on it.
  ///
  /// - Throws: ``BrokerError``; `CancellationError`.
  func openChannel(deadline: MonotonicInstant) async throws -> any BrokerChannel

  /// Closes the connection at once. Every channel closes with it, and the broker takes unacknowledged deliveries back.
  /// Repeating it does nothing.
  func close()
}

/// One channel: a conversation in which the broker handles one thing after the other, in the order of the calls.
///
/// An error that the broker answers with closes the channel (AMQP 0-9-1, 1.8): see ``BrokerError/replyCode``. Its
/// unacknowledged deliveries go back to their queues, its consumers end; other channels are not touched.
public protocol BrokerChannel: AnyObject, Sendable {
  /// Whether the channel is open, as far as this side knows.
  var isOpen: Bool { get }

  /// Declares an exchange, or with `passive` only asks whether it is there.
  ///
  /// - Throws: ``BrokerError``: 404 when a passive declaration finds nothing, 406 with ``BrokerError/inequivalence`` when
  ///   it exists with other properties.
  func declareExchange(_ exchange: BrokerExchange, passive: Bool, deadline: MonotonicInstant) async throws

  /// Deletes an exchange and its bindings; there need be none.
  ///
  /// - Parameter ifUnused: refuse with 406 when something is bound to it.
  func deleteExchange(_ name: String, ifUnused: Bool, deadline: MonotonicInstant) async throws

  /// Declares a queue, or with `passive` only asks how it stands. An empty name lets the broker choose one.
  ///
  /// - Throws: ``BrokerError``: 404 when a passive declaration finds nothing, 405 when it is another connection's
  ///   exclusive queue, 406 with ``BrokerError/inequivalence`` when it exists with other properties.
  func declareQueue(
    _ queue: BrokerQueue, passive: Bool, deadline: MonotonicInstant
  ) async throws -> BrokerQueueStatus

  /// Deletes a queue; there need be none.
  ///
  /// - Parameters:
  ///   - ifUnused: refuse with 406 when it has consumers.
  ///   - ifEmpty: refuse with 406 when it holds messages.
  /// - Returns: how many messages went with it.
  @discardableResult
  func deleteQueue(
    _ name: String, ifUnused: Bool, ifEmpty: Bool, deadline: MonotonicInstant
  ) async throws -> Int

  /// Removes the messages of a queue that are not with a consumer.
  ///
  /// - Returns: how many there were.
  @discardableResult
  func purgeQueue(_ name: String, deadline: MonotonicInstant) async throws -> Int

  /// Binds a queue to an exchange. Binding it again does nothing.
  func bind(_ binding: BrokerBinding, deadline: MonotonicInstant) async throws

  /// Takes a binding back; there need be none.
  func unbind(_ binding: BrokerBinding, deadline: MonotonicInstant) async throws

  /// Publishes messages in their order and waits for all confirms.
  ///
  /// - Returns: what became of each message, in the same order. What was not answered before the deadline, or when the
  ///   channel or connection broke, is ``BrokerPublishOutcome/failed(_:)``, and its error says whether it may have
  ///   arrived.
  /// - Throws: ``BrokerError`` when nothing was sent; `CancellationError` when the task is cancelled: any number of the
  ///   messages may then have arrived.
  func publish(
    _ publications: [BrokerPublication], deadline: MonotonicInstant
  ) async throws -> [BrokerPublishOutcome]

  /// Starts a consumer. Its deliveries are acknowledged by hand.
  ///
  /// - Parameters:
  ///   - prefetch: how many unacknowledged deliveries the broker lets be under way, 1 ... 65,535: the back-pressure.
  ///   - isExclusive: refuse other consumers of the queue, and be refused (403) where there are some.
  func consume(
    _ queue: String, prefetch: Int, isExclusive: Bool, deadline: MonotonicInstant
  ) async throws -> BrokerDeliveries

  /// Ends a consumer. What was delivered stays unacknowledged; its sequence ends after what has arrived.
  func cancel(_ consumerTag: String, deadline: MonotonicInstant) async throws

  /// Takes one message from a queue, to be acknowledged by hand.
  ///
  /// - Returns: `nil` when the queue is empty. ``BrokerDelivery/remaining`` says how many are left.
  func get(_ queue: String, deadline: MonotonicInstant) async throws -> BrokerDelivery?

  /// Acknowledges a delivery, with `multiple` also every earlier one of the channel.
  ///
  /// The broker does not answer: the call returns once the word is on its way. A tag that the broker does not know
  /// closes the channel with 406.
  ///
  /// - Throws: ``BrokerError`` when the channel is closed: the broker then delivers the message again.
  func acknowledge(_ tag: BrokerDeliveryTag, multiple: Bool) throws

  /// Refuses a delivery, with `multiple` also every earlier one of the channel. With `requeue` it goes back to its place
  /// in the queue, otherwise to the queue's dead letters.
  ///
  /// - Throws: as ``acknowledge(_:multiple:)``.
  func reject(_ tag: BrokerDeliveryTag, multiple: Bool, requeue: Bool) throws

  /// Closes the channel. Repeating it does nothing.
  func close()
}

extension BrokerChannel {
  /// Publishes one message and waits for its confirm.
  ///
  /// - Throws: ``BrokerError`` where the outcome would be ``BrokerPublishOutcome/failed(_:)``; `CancellationError`.
  public func publish(
    _ publication: BrokerPublication, deadline: MonotonicInstant
  ) async throws -> BrokerPublishOutcome {
    let outcome = try await publish([publication], deadline: deadline)[0]
    if case .failed(let error) = outcome { throw error }
    return outcome
  }

  /// Acknowledges one delivery.
  public func acknowledge(_ tag: BrokerDeliveryTag) throws { try acknowledge(tag, multiple: false) }

  /// Refuses one delivery.
  public func reject(_ tag: BrokerDeliveryTag, requeue: Bool) throws {
    try reject(tag, multiple: false, requeue: requeue)
  }
}
