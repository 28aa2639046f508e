import FoundationEssentials
import NIOCore
import Seams
import SeamsLive
import ServiceKit
import Synchronization
import Testing

/// Dead letters on real servers.
@Suite(.timeLimit(.minutes(1))) struct LiveDeadLetterStoreTests {
  @Test func aRetriedLetterTakesEffectOnceAndADiscardedOneNever() async throws {
    try await LiveEvents.with(retryDelays: []) { events in
      let isBroken = Mutex(true)
      let consumer = events.consumer { _ in
        if isBroken.withLock({ $0 }) { throw UnacceptableEvent("not yet") }
      }
      let store = DeadLetterStore(
        pool: events.pool, connector: events.broker.connector, topology: events.queue.topology, environment: .live)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await consumer.run() }
        let ids = (0..<4).map { _ in SystemEntropy().uuid() }
        try await events.send(
          ids.map { CloudEvent(id: $0, source: "urn:test", type: "Thing", subject: "s").encoded }
            + [ByteBuffer(bytes: [0xFF, 0x00])])
        try await events.until("SELECT count(*) FROM dead_letters", is: 5)
        isBroken.withLock { $0 = false }

        let page = try await store.letters(limit: 2, deadline: LiveDatabase.soon())
        let rest = try await store.letters(behind: page.next, limit: 10, deadline: LiveDatabase.soon())
        let letters = page.letters + rest.letters
        #expect(letters.count == 5 && Set(letters.map(\.id)).count == 5)
        let bytes = try #require(letters.first { $0.eventId == nil })
        #expect(try await store.letter(bytes.id, deadline: LiveDatabase.soon())?.body == .hex("ff00"))
        #expect(
          try await store.discard(bytes.id, by: "ada", reason: "bytes", deadline: LiveDatabase.soon()) == .discarded)
        let one = try #require(letters.first { $0.eventId != nil })
        #expect(try await store.retry(one.id, by: "ada", deadline: LiveDatabase.soon()) == .retried)
        let totals = try await store.retryAll(by: "ada", deadline: LiveDatabase.soon())
        #expect(totals.retried == 3 && totals.failed == 0 && totals.isComplete)
        try await events.until("SELECT count(*) FROM effects", is: 4)
        let counts = try await store.counts(deadline: LiveDatabase.soon())
        #expect(counts.open == 0 && counts.resolved == 5)
        store.shutdown()
        consumer.finish()
        try await group.waitForAll()
      }
    }
  }
}
