package import Seams

/// A queue of events and what belongs to it: where its events come from, where failed ones wait, where dead ones go.
///
/// Whoever publishes to its exchange declares it too, and alike, so that no event is published before somebody keeps it.
package struct EventQueue: Sendable, Hashable {
  /// The queue's name.
  package var name: String
  /// Where its events are published.
  package var exchange: BrokerExchange
  /// What it wants of them.
  package var routingKeys: [String]
  /// Through which exchange dead letters go, under the queue's name as key: several queues may share it.
  package var deadLetterExchange: BrokerExchange
  /// How long an event waits after its first, second, … failed attempt. One attempt more, and it is dead.
  package var retryDelays: [Duration]

  /// A queue of the given parts.
  package init(
    name: String, exchange: BrokerExchange, routingKeys: [String], deadLetterExchange: BrokerExchange,
    retryDelays: [Duration] = [.seconds(1), .seconds(2), .seconds(4), .seconds(8)]
  ) {
    self.name = name
    self.exchange = exchange
    self.routingKeys = routingKeys
    self.deadLetterExchange = deadLetterExchange
    self.retryDelays = retryDelays
  }

  /// How often an event's handler is tried.
  package var maximumAttempts: Int { retryDelays.count + 1 }

  /// Where dead letters wait for an operator.
  package var deadLetterQueue: String { name + ".dlq" }

  /// Where an event waits whose attempt number `attempt`, from 1, has failed.
  package func retryQueue(after attempt: Int) -> String { "\(name).retry.\(attempt)" }

  /// Everything to declare.
  ///
  /// The queue itself dead-letters too: what is refused without a word of ours (by a consumer that knows nothing of
  /// attempts) is not lost either.
  package var topology: BrokerTopology {
    var queue = BrokerQueue(name)
    queue.deadLetterExchange = deadLetterExchange.name
    queue.deadLetterRoutingKey = name
    var queues = [queue, BrokerQueue(deadLetterQueue)]
    for (index, delay) in retryDelays.enumerated() {
      var retry = BrokerQueue(retryQueue(after: index + 1))
      retry.messageTTL = delay
      retry.deadLetterExchange = ""
      retry.deadLetterRoutingKey = name
      queues.append(retry)
    }
    return BrokerTopology(
      exchanges: [exchange, deadLetterExchange], queues: queues,
      bindings: routingKeys.map { BrokerBinding(queue: name, exchange: exchange.name, routingKey: $0) }
        + [BrokerBinding(queue: deadLetterQueue, exchange: deadLetterExchange.name, routingKey: name)])
  }
}

/// The exchanges and queues of CONTRACT, "Events": what several services must declare alike.
package enum EventTopology {
  /// What happens to stock.
  package static let inventoryEvents = BrokerExchange("inventory.events", .topic)
  /// What happens to orders.
  package static let ordersEvents = BrokerExchange("orders.events", .topic)

  /// The inventory's events that orders wants to hear of.
  package static let ordersInventoryEvents = EventQueue(
    name: "orders.inventory-events", exchange: inventoryEvents,
    routingKeys: [
      "inventory.reserved", "inventory.confirmed", "inventory.released", "inventory.depleted", "inventory.replenished",
    ],
    deadLetterExchange: BrokerExchange("orders.dlx", .direct))
}
