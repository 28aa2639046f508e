import FoundationEssentials
import NIOCore
import Seams
import SeamsLive
import ServiceKit
import Testing

/// Outbox and inbox on PostgreSQL and RabbitMQ: what the simulator proves at length, once on the real ones.
@Suite("Events on real servers", .timeLimit(.minutes(2)))
struct LiveEventTests {
  private struct Failed: Error {}

  @Test func twoPublishersAndTwoConsumersDeliverEveryEventOnce() async throws {
    try await LiveEvents.with { events in
      let publishers = [events.publisher(), events.publisher()]
      let consumers = [events.consumer(lanes: 2), events.consumer()]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for publisher in publishers { group.addTask { try await publisher.run() } }
        for consumer in consumers { group.addTask { try await consumer.run() } }
        var ids: Set<UUID> = []
        for number in 1...200 {
          ids.insert(try await events.write("Thing", "s\(number % 20)", number))
          if number == 100 {
            // Every session of the services dies under them.
            try await events.database.rows(
              """
              SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()
              """)
          }
        }
        try await events.until("SELECT count(*) FROM outbox WHERE published_at IS NULL", is: 0)
        try await events.until("SELECT count(*) FROM inbox WHERE processed_at IS NOT NULL", is: 200)
        for publisher in publishers { await publisher.finish(by: LiveDatabase.soon()) }
        for consumer in consumers { consumer.finish() }
        try await group.waitForAll()
        let effects: [UUID] = try await events.database.rows("SELECT event_id FROM effects").map {
          try $0.decode("event_id")
        }
        #expect(effects.count == 200 && Set(effects) == ids)
        #expect(publishers.map(\.figures.published).reduce(0, +) >= 200)
      }
    }
  }

  @Test func theFirstCopiesOfASubjectComeInOrder() async throws {
    try await LiveEvents.with { events in
      for number in 1...100 {
        try await events.database.rows(
          """
          INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data)
          VALUES (\(SystemEntropy().uuid()), 'Thing', \("s\(number % 3)"), \(number), \(number % 3), now(),
            \(SystemEntropy().uuid()), '{}')
          """)
      }
      let publisher = events.publisher()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await publisher.run() }
        try await events.until("SELECT count(*) FROM outbox WHERE published_at IS NULL", is: 0)
        await publisher.finish(by: LiveDatabase.soon())
        try await group.waitForAll()
      }
      let published = try await events.drain(events.queue.name).map { try CloudEvent(parsing: $0.message.body) }
      #expect(published.count == 100)
      for subject in ["s0", "s1", "s2"] {
        let sequences = published.filter { $0.subject == subject }.compactMap(\.sequence)
        #expect(sequences == sequences.sorted() && sequences.count >= 33)
      }
    }
  }

  @Test func whatNobodyTakesIsSetAsideWhereItMustArrive() async throws {
    try await LiveEvents.with { events in
      try await events.write("Lost", "s1", 1)
      try await events.write("Strange", "s1", 17)
      try await events.write("Thing", "s1", 33)
      let publisher = events.publisher(isMandatory: true)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await publisher.run() }
        try await events.until("SELECT count(*) FROM outbox WHERE published_at IS NULL AND refused_at IS NULL", is: 0)
        await publisher.finish(by: LiveDatabase.soon())
        try await group.waitForAll()
      }
      let reasons: [String] = try await events.database.rows(
        "SELECT coalesce(refusal, 'published') AS reason FROM outbox ORDER BY position"
      ).map { try $0.decode("reason") }
      #expect(
        reasons == [
          "the broker returned it: 312 NO_ROUTE", "there is no route for the type \"Strange\"", "published",
        ])
    }
  }

  @Test func whatFailsIsTriedAgainAndEndsInTheDeadLetters() async throws {
    try await LiveEvents.with { events in
      let good = CloudEvent(id: SystemEntropy().uuid(), source: "urn:test", type: "Thing", sequence: 1)
      let bad = CloudEvent(id: SystemEntropy().uuid(), source: "urn:test", type: "Thing", sequence: 2)
      let bodies = [good.encoded, bad.encoded, ByteBuffer(bytes: [0xFF, 0]), good.encoded, bad.encoded]
      let consumer = events.consumer { event in if event.id == bad.id { throw Failed() } }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await consumer.run() }
        try await events.send(bodies)
        try await events.until("SELECT count(*) FROM dead_letters", is: 2)
        try await events.until("SELECT count(*) FROM effects", is: 1)
        let name = events.queue.deadLetterQueue
        let channel = try await events.channel()
        let deadline = LiveBroker.soon()
        while try await channel.declareQueue(BrokerQueue(name), passive: true, deadline: deadline).messageCount < 2 {}
        consumer.finish()
        try await group.waitForAll()
      }
      let letters = try await events.database.rows(
        "SELECT event_id, attempts, reason, history, body, routing_key FROM dead_letters ORDER BY event_id")
      #expect(try letters[0].decode("event_id", as: UUID.self) == bad.id)
      // Both copies count: they are one event.
      #expect(try letters[0].decode("attempts", as: Int.self) == 3)
      #expect(try letters[0].decode("reason", as: String.self) == "Failed()")
      #expect(try letters[0].decode("history", as: String.self).hasPrefix("attempt 1: Failed()\n"))
      #expect(try letters[0].decode("routing_key", as: String.self) == "thing.happened")
      #expect(letters[1].values[0] == .null && letters[1].values[4] == .bytes([0xFF, 0]))
      let dead = try await events.drain(events.queue.deadLetterQueue)
      #expect(Set(dead.map(\.message.body)) == [bad.encoded, bodies[2]])
      #expect(dead.allSatisfy { $0.message.headers?["zoco-routing-key"] == "thing.happened" })
    }
  }
}
