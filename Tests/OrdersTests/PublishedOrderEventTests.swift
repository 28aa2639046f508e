import CallFixtures
import FoundationEssentials
import HTTPTypes
import InventoryAPI
import Orders
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedRabbitMQ
import SimulationKernel
import Testing

/// What the service publishes, against what docs/events.md says of it, and what it does with the inventory's news.
@Suite struct PublishedOrderEventTests {
  /// `@unchecked Sendable`: only the kernel's thread touches it.
  private final class Taken: @unchecked Sendable {
    var list: [(key: String, message: BrokerMessage)] = []
  }

  @Test func theServicesEventsFollowTheirSchemas() throws {
    let document = try EventDocument()
    let bench = try OrdersBench()
    let broker = SimulatedRabbitMQServer(host: bench.kernel.host("broker"), network: Network(kernel: bench.kernel))
    let taken = Taken()
    bench.run(broker: broker) { callers in
      let caller = callers[0]
      let deadline = caller.process.clock.now.advanced(by: .seconds(60))
      let connection = try await broker.connector(for: caller.process).connect(deadline: deadline)
      let channel = try await connection.openChannel(deadline: deadline)
      try await channel.declare(
        BrokerTopology(
          exchanges: [EventTopology.ordersEvents], queues: [BrokerQueue("all")],
          bindings: [BrokerBinding(queue: "all", exchange: EventTopology.ordersEvents.name, routingKey: "order.*")]),
        deadline: deadline)
      _ = try await caller.settled(try await caller.order(key: "1").orderId)
      _ = try await caller.settled(try await caller.order(token: "tok_declined", key: "2").orderId)
      bench.payments.during = { _ in
        bench.payments.during = nil
        guard case .array(let orders) = try await caller.send(.get, "/orders?limit=1").json["items"] else { return }
        _ = try await caller.send(.post, "/orders/\(orders[0]["orderId"]?.string ?? "")/cancel")
      }
      _ = try await caller.settled(try await caller.order(key: "3").orderId)
      try await caller.pause(.seconds(2))
      while let delivery = try await channel.get("all", deadline: deadline) {
        taken.list.append((delivery.routingKey, delivery.message))
      }
    }
    var seen: [String] = []
    for (key, message) in taken.list {
      #expect(message.contentType == CloudEvent.mediaType && message.isPersistent)
      let event = try StrictJSON.parse(message.body)
      #expect(document.problems(of: event).isEmpty, "\(document.problems(of: event))")
      seen.append("\(event["type"]?.string ?? "") \(key)")
    }
    #expect(
      seen.sorted() == [
        "OrderCancelled order.cancelled", "OrderConfirmed order.confirmed", "OrderCreated order.created",
        "OrderCreated order.created", "OrderCreated order.created", "OrderFailed order.failed",
      ])
  }

  @Test func theExamplesFollowTheirSchemas() throws {
    let document = try EventDocument()
    for type in ["OrderCreated", "OrderConfirmed", "OrderFailed", "OrderCancelled"] {
      let entry = try #require(document.entries.first { $0.type == type })
      #expect(document.problems(of: entry.example).isEmpty)
    }
  }

  /// The stock is gone before the charge is through: the charge is given back, and the order fails.
  @Test func aReservationThatExpiredStopsItsOrder() throws {
    let bench = try OrdersBench()
    let broker = SimulatedRabbitMQServer(host: bench.kernel.host("broker"), network: Network(kernel: bench.kernel))
    bench.payments.troubles["charge"] = Array(repeating: .failure(.unavailable), count: 3)
    bench.run(broker: broker) { callers in
      let caller = callers[0]
      let id = try await caller.order().orderId
      try await caller.pause(.milliseconds(500))
      let orderId = UUID(text: id) ?? UUID(high: 0, low: 0)
      let event = CloudEvent(
        id: caller.process.entropy.uuid(), source: "urn:zoco:inventory", type: "InventoryReleased", subject: id,
        data: .object([
          JSONMember("reservationId", .string(id)), JSONMember("orderId", .string(orderId.canonicalText)),
          JSONMember("reason", .string("expired")),
        ]))
      let deadline = caller.process.clock.now.advanced(by: .seconds(60))
      let connection = try await broker.connector(for: caller.process).connect(deadline: deadline)
      let channel = try await connection.openChannel(deadline: deadline)
      _ = try await channel.publish(
        BrokerPublication(
          exchange: EventTopology.inventoryEvents.name, routingKey: "inventory.released",
          message: BrokerMessage(body: event.encoded)), deadline: deadline)
      let order = try await caller.settled(id)
      check(order.orderStatus == "FAILED" && order.failureCode == "upstream_unavailable", "\(order.json)")
    }
    #expect(bench.payments.statuses != ["captured"])
    #expect(bench.rows("inbox", "type", "attempts") == ["InventoryReleased 1"])
    #expect(bench.rows("orders", "stop_reason", "saga_state") == ["expired done"])
  }
}
