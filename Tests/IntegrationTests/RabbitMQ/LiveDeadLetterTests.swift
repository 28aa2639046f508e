import NIOCore
import RabbitMQ
import Seams
import Testing

@Suite("Dead letters of a real RabbitMQ")
struct LiveDeadLetterTests {
  /// The simulated broker ends a run that comes to this (`VirtualHost.deliverDead`).
  @Test func rejectedMessagesCircleAmongFullQueuesWithoutEnd() async throws {
    let broker = try LiveBroker()
    let connection = try await broker.connector.connect(deadline: LiveBroker.soon())
    let channel = try await connection.openChannel(deadline: LiveBroker.soon())
    let (first, second) = (broker.prefix + "a", broker.prefix + "b")
    for (name, other) in [(first, second), (second, first)] {
      var queue = BrokerQueue(name, isExclusive: true)
      queue.maximumLength = 1
      queue.deadLetterExchange = ""
      queue.deadLetterRoutingKey = other
      _ = try await channel.declareQueue(queue, passive: false, deadline: LiveBroker.soon())
    }
    var last: BrokerDelivery?
    for id in ["1", "2", "3"] {
      let message = BrokerMessage(body: ByteBuffer(), messageID: id)
      _ = try await channel.publish(
        [BrokerPublication(exchange: "", routingKey: first, message: message)], deadline: LiveBroker.soon())
      last = try await channel.get(first, deadline: LiveBroker.soon())
    }
    // Three messages and two places.
    try channel.reject(try #require(last).tag, multiple: true, requeue: false)
    try await Task.sleep(for: .milliseconds(300), clock: .continuous)
    var deaths = 0
    for queue in [first, second] {
      let message = try await channel.get(queue, deadline: LiveBroker.soon())?.message
      deaths = max(deaths, message?.deaths.map(\.count).max() ?? 0)
    }
    #expect(deaths > 20)
    connection.close()
  }
}
