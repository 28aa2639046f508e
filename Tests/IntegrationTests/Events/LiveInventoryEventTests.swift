import Checkers
import FoundationEssentials
import HTTPLive
import Inventory
import NIOCore
import RabbitMQ
import Seams
import SeamsLive
import ServiceKit
import Testing

/// `zocod inventory` with `RABBITMQ_URL`: what it commits reaches whoever listens.
@Suite("zocod inventory publishes its events", .timeLimit(.minutes(2)))
struct LiveInventoryEventTests {
  @Test func aReservationIsToldFromBeginningToEnd() async throws {
    try await LiveDatabase.with { database in
      try await database.migrate()
      var settings = try database.zocodSettings
      _ = try await ZocodProcess.run(["seed", "--products", "1"], settings: settings)
      settings["RABBITMQ_URL"] = try LiveBroker.url()
      let broker = try LiveBroker()
      let channel = try await broker.connector.connect(deadline: LiveBroker.soon()).openChannel(
        deadline: LiveBroker.soon())
      // Other tests' services publish on this exchange too: a queue of its own, and its own reservation's events.
      let log = BrokerQueue(broker.prefix + "log", isExclusive: true)
      try await channel.declare(
        BrokerTopology(
          exchanges: [EventTopology.inventoryEvents], queues: [log],
          bindings: [
            BrokerBinding(queue: log.name, exchange: EventTopology.inventoryEvents.name, routingKey: "inventory.#")
          ]), deadline: LiveBroker.soon())
      let transport = LiveHTTPTransport(clock: database.clock)
      let outcome: Result<Void, any Error>
      do {
        try await ZocodProcess.serving(settings: settings) { process, address in
          let client = LiveClient(transport: transport, authority: "\(address)")
          let reserved = try await client.reserve([InventorySeeder.productId(1)])
          let id = try #require(reserved.reservationId)
          let deliveries = try await channel.consume(
            log.name, prefetch: 32, isExclusive: false, deadline: LiveBroker.soon())
          var keys: [String] = []
          for try await delivery in deliveries {
            let event = try CloudEvent(parsing: delivery.message.body)
            guard event.subject == id.canonicalText else { continue }
            #expect(event.source == "urn:zoco:inventory" && event.sequence == keys.count + 1)
            #expect(delivery.message.contentType == CloudEvent.mediaType && delivery.message.isPersistent)
            keys.append(delivery.routingKey)
            if keys.count == 2 { break }
            _ = try await client.perform(.confirm(reservationId: id))
          }
          #expect(keys == ["inventory.reserved", "inventory.confirmed"])
          process.terminate()
          let end = await process.end()
          #expect(end.status == 0, "\(end.log)")
          #expect(try await database.count("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0)
        }
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      try await transport.shutdown()
      try outcome.get()
    }
  }

  @Test func aBrokerThatIsDownStopsNothing() async throws {
    try await LiveDatabase.with { database in
      try await database.migrate()
      var settings = try database.zocodSettings
      _ = try await ZocodProcess.run(["seed", "--products", "1"], settings: settings)
      settings["RABBITMQ_URL"] = "amqp://zoco:geheim@127.0.0.1:1/"
      let transport = LiveHTTPTransport(clock: database.clock)
      let outcome: Result<Void, any Error>
      do {
        try await ZocodProcess.serving(settings: settings) { process, address in
          let client = LiveClient(transport: transport, authority: "\(address)")
          let reserved = try await client.reserve([InventorySeeder.productId(1)])
          #expect(reserved.status == 200)
          process.terminate()
          let end = await process.end()
          #expect(end.status == 0 && !end.mentions("geheim"), "\(end.log)")
          #expect(try await database.count("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 1)
        }
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      try await transport.shutdown()
      try outcome.get()
    }
  }
}
