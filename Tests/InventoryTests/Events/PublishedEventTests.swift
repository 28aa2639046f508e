import CallFixtures
import FoundationEssentials
import Inventory
import NIOCore
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

/// What the service publishes, against what docs/events.md says of it.
@Suite("Published events are as documented")
struct PublishedEventTests {
  /// Every event that a service over `bench` publishes while `body` asks it for things, with its routing key.
  private func published(
    _ bench: InventoryBench, _ body: @escaping @Sendable (InventoryClient) async throws -> Void
  ) throws -> [(key: String, message: BrokerMessage)] {
    let broker = SimulatedRabbitMQServer(host: bench.kernel.host("broker"), network: Network(kernel: bench.kernel))
    let taken = Taken()
    bench.run(broker: broker) { clients in
      try await body(clients[0])
      try await clients[0].process.clock.sleep(for: .seconds(2))
      let process = clients[0].process
      let deadline = process.clock.now.advanced(by: .seconds(10))
      let channel = try await broker.connector(for: process).connect(deadline: deadline).openChannel(deadline: deadline)
      while let delivery = try await channel.get("orders.inventory-events", deadline: deadline) {
        taken.list.append((delivery.routingKey, delivery.message))
      }
    }
    return taken.list
  }

  /// `@unchecked Sendable`: only the kernel's thread touches it.
  private final class Taken: @unchecked Sendable {
    var list: [(key: String, message: BrokerMessage)] = []
  }

  @Test func theServicesEventsFollowTheirSchemas() throws {
    let document = try EventDocument()
    let bench = try InventoryBench()
    let events = try published(bench) { client in
      _ = try await client.put(1, quantity: 10)
      _ = try await client.put(2, quantity: 4)
      let first = try await client.reserve(1, [line(1, 4), line(2, 4)]).reservationId
      let second = try await client.reserve(2, [line(1, 1)]).reservationId
      _ = try await client.reserve(3, [line(1, 1)], ttl: 1)
      _ = try await client.confirm(first)
      _ = try await client.release(second, reason: "payment_failed")
      _ = try await client.replenish(1, quantity: 5, key: "k")
      try await client.process.clock.sleep(for: .seconds(2))
      _ = try await client.expire()
    }
    let keys = [
      "InventoryReserved": "inventory.reserved", "InventoryConfirmed": "inventory.confirmed",
      "InventoryReleased": "inventory.released", "StockDepleted": "inventory.depleted",
      "StockReplenished": "inventory.replenished",
    ]
    var types: [String: Int] = [:]
    for (key, message) in events {
      let json = try StrictJSON.parse(message.body)
      let problems = document.problems(of: json)
      #expect(problems.isEmpty, "\(json): \(problems)")
      let event = try CloudEvent(parsing: message.body)
      types[event.type, default: 0] += 1
      #expect(key == keys[event.type])
      #expect(message.contentType == "application/cloudevents+json" && message.isPersistent)
      #expect(message.messageID == event.id.canonicalText)
      #expect(message.correlationID == event.correlationId?.canonicalText)
    }
    #expect(
      types == [
        "InventoryReserved": 3, "InventoryConfirmed": 1, "InventoryReleased": 2, "StockDepleted": 1,
        "StockReplenished": 3,
      ])
    #expect(bench.server.committedRows(of: "outbox").allSatisfy { $0["published_at"] != .null })
  }

  @Test func theLargestEventHasRoom() throws {
    let bench = try InventoryBench()
    let lines = (1...50).map { line($0, 1000) }
    let events = try published(bench) { client in
      for number in 1...50 { _ = try await client.put(number, quantity: 5_000) }
      _ = try await client.reserve(1, lines)
    }
    let sizes = events.map { $0.message.body.readableBytes }
    #expect(events.count == 51 && (sizes.max() ?? 0) > 3_000 && (sizes.max() ?? 0) < 10_000)
  }

  @Test func withoutABrokerEventsWait() throws {
    let bench = try InventoryBench()
    bench.run { clients in _ = try await clients[0].put(1, quantity: 10) }
    #expect(bench.server.committedRows(of: "outbox").map { $0["published_at"] } == [.null])
  }

  @Test func theDocumentHasEveryEventAndItsExamplesFollowTheirSchemas() throws {
    let document = try EventDocument()
    #expect(
      document.entries.map(\.type) == InventoryEvent.Kind.allCases.map(\.rawValue) + [
        "OrderCreated", "OrderConfirmed", "OrderFailed", "OrderCancelled",
      ])
    for entry in document.entries {
      #expect(document.problems(of: entry.example) == [], "\(entry.type)")
      var json = JSONWriter()
      json.value(entry.example)
      #expect(try CloudEvent(parsing: json.buffer).type == entry.type)
    }
  }

  /// The judge, on examples with something wrong in them.
  @Test(arguments: [
    ("InventoryReserved", "\"quantity\": 2", "\"quantity\": 0"),
    ("InventoryReserved", "\"orderId\"", "\"orderID\""),
    ("InventoryReleased", "\"reason\":\"expired\"", "\"reason\":\"bored\""),
    ("StockDepleted", "\"available\":0", "\"available\":1"),
    ("StockDepleted", "\"sequence\":\"00", "\"sequence\":\"0"),
    ("StockReplenished", "2026-01-31T", "31.1.2026 "),
    ("OrderFailed", "\"code\":\"insufficient_stock\",", ""),
    ("OrderCreated", "\"EUR\"", "\"Euro\""),
    ("OrderCreated", "\"specversion\":\"1.0\",", ""),
    ("OrderCreated", "\"total\":4990", "\"total\":\"49.90\""),
  ])
  func whatDoesNotFollowIsFound(_ type: String, _ part: String, _ replacement: String) throws {
    let document = try EventDocument()
    let example = try #require(document.entries.first { $0.type == type }).example
    var json = JSONWriter()
    json.value(example)
    let part = part.replacing(": ", with: ":")
    let text = json.text.replacing(part, with: replacement)
    try #require(text != json.text)
    #expect(document.problems(of: try StrictJSON.parse(text)) != [])
  }
}
