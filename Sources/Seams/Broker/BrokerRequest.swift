/// What a channel asks and the broker answers: both drivers put the channel's methods into these.
package enum BrokerRequest: Sendable {
  case declareExchange(BrokerExchange, passive: Bool)
  case deleteExchange(String, ifUnused: Bool)
  case declareQueue(BrokerQueue, passive: Bool)
  case deleteQueue(String, ifUnused: Bool, ifEmpty: Bool)
  case purgeQueue(String)
  case bind(BrokerBinding)
  case unbind(BrokerBinding)
  case consume(String, tag: String, prefetch: Int, isExclusive: Bool)
  case cancel(String)
  case get(String)

  /// What is wrong with the request, before anything is sent; `nil` when nothing is.
  package var problem: String? {
    switch self {
    case .declareExchange(let exchange, _): BrokerRequest.tooLong([exchange.name])
    case .deleteExchange(let name, _), .cancel(let name): BrokerRequest.tooLong([name])
    case .deleteQueue(let name, _, _), .purgeQueue(let name), .get(let name): BrokerRequest.nameless(name)
    case .declareQueue(let queue, let passive):
      (passive ? BrokerRequest.nameless(queue.name) : BrokerRequest.tooLong([queue.name]))
        ?? BrokerRequest.tooLong(queue.arguments.entries.map(\.name))
    case .bind(let binding), .unbind(let binding):
      BrokerRequest.nameless(binding.queue) ?? BrokerRequest.tooLong([binding.exchange, binding.routingKey])
    case .consume(let queue, _, let prefetch, _):
      (1...65_535).contains(prefetch)
        ? BrokerRequest.nameless(queue) : "a prefetch is a number from 1 to 65535, not \(prefetch)"
    }
  }

  /// To AMQP no name means the queue that the channel declared last: a trap, and no use.
  private static func nameless(_ queue: String) -> String? {
    queue.isEmpty ? "a queue has a name" : tooLong([queue])
  }

  /// Everything that a declaration asks for, for the error when it is refused.
  package var declared: String {
    switch self {
    case .declareExchange(let exchange, _):
      "exchange '\(exchange.name)' \(exchange.kind.rawValue) durable=\(exchange.isDurable)"
    case .declareQueue(let queue, _):
      "queue '\(queue.name)' durable=\(queue.isDurable) exclusive=\(queue.isExclusive) "
        + "auto_delete=\(queue.isAutoDelete) \(queue.arguments)"
    default: ""
    }
  }

  /// What is wrong with messages, before anything is sent; `nil` when nothing is.
  package static func problem(_ publications: [BrokerPublication]) -> String? {
    for publication in publications {
      let message = publication.message
      let names = [publication.exchange, publication.routingKey]
      let texts = [message.contentType, message.messageID, message.correlationID].compactMap(\.self)
      if let problem = tooLong(names + texts + (message.headers?.entries.map(\.name) ?? [])) { return problem }
      if let expiration = message.expiration, expiration < .zero { return "an expiration is not negative" }
    }
    return nil
  }

  /// A short string of AMQP has at most 255 bytes.
  private static func tooLong(_ names: [String]) -> String? {
    names.first { $0.utf8.count > 255 }.map { "a name or key of AMQP has at most 255 bytes: \($0.prefix(40))…" }
  }
}

/// The broker's answer to a ``BrokerRequest``.
package enum BrokerAnswer: Sendable {
  case done
  case queue(BrokerQueueStatus)
  case count(Int)
  case delivery(BrokerDelivery?)
}

/// A channel whose questions all go through one method.
package protocol RequestingChannel: BrokerChannel {
  /// Sends `request` and waits for its answer.
  func ask(_ request: BrokerRequest, deadline: MonotonicInstant) async throws -> BrokerAnswer
}

extension RequestingChannel {
  /// Declares `exchange`, or only asks whether it is there where `passive` is set.
  package func declareExchange(
    _ exchange: BrokerExchange, passive: Bool, deadline: MonotonicInstant
  ) async throws {
    _ = try await ask(.declareExchange(exchange, passive: passive), deadline: deadline)
  }

  /// Deletes the exchange `name`; with `ifUnused`, only when no queue is bound to it.
  package func deleteExchange(_ name: String, ifUnused: Bool, deadline: MonotonicInstant) async throws {
    _ = try await ask(.deleteExchange(name, ifUnused: ifUnused), deadline: deadline)
  }

  /// Declares `queue`, or only asks for it where `passive` is set.
  ///
  /// - Returns: its name and what it holds.
  package func declareQueue(
    _ queue: BrokerQueue, passive: Bool, deadline: MonotonicInstant
  ) async throws -> BrokerQueueStatus {
    guard case .queue(let status) = try await ask(.declareQueue(queue, passive: passive), deadline: deadline) else {
      preconditionFailure("a declaration of a queue is answered with its status")
    }
    return status
  }

  /// Deletes the queue `name`; with the conditions, only when it has no consumers or no messages.
  ///
  /// - Returns: the messages that went with it.
  @discardableResult
  package func deleteQueue(
    _ name: String, ifUnused: Bool, ifEmpty: Bool, deadline: MonotonicInstant
  ) async throws -> Int {
    count(try await ask(.deleteQueue(name, ifUnused: ifUnused, ifEmpty: ifEmpty), deadline: deadline))
  }

  /// Throws away the messages of the queue `name` that are ready.
  ///
  /// - Returns: how many there were.
  @discardableResult
  package func purgeQueue(_ name: String, deadline: MonotonicInstant) async throws -> Int {
    count(try await ask(.purgeQueue(name), deadline: deadline))
  }

  /// Binds a queue to an exchange; a binding that is there already changes nothing.
  package func bind(_ binding: BrokerBinding, deadline: MonotonicInstant) async throws {
    _ = try await ask(.bind(binding), deadline: deadline)
  }

  /// Removes a binding; one that is not there changes nothing.
  package func unbind(_ binding: BrokerBinding, deadline: MonotonicInstant) async throws {
    _ = try await ask(.unbind(binding), deadline: deadline)
  }

  /// Ends the consumer `consumerTag` of this channel.
  package func cancel(_ consumerTag: String, deadline: MonotonicInstant) async throws {
    _ = try await ask(.cancel(consumerTag), deadline: deadline)
  }

  /// Takes one message from `queue`; `nil` when none is ready.
  package func get(_ queue: String, deadline: MonotonicInstant) async throws -> BrokerDelivery? {
    guard case .delivery(let delivery) = try await ask(.get(queue), deadline: deadline) else {
      preconditionFailure("a get is answered with a message or none")
    }
    return delivery
  }

  private func count(_ answer: BrokerAnswer) -> Int {
    guard case .count(let count) = answer else { preconditionFailure("the answer is a count") }
    return count
  }
}
