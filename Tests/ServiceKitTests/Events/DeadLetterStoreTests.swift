import FoundationEssentials
import NIOCore
import Seams
import ServiceKit
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

@Suite("Dead letters")
struct DeadLetterStoreTests {
  @Test func areListedNewestFirstPageByPageAndCounted() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(5)
      try await client.publish([ByteBuffer(string: "no event"), ByteBuffer(bytes: [0xFF, 0x00])])
      try await client.sleep(.seconds(2))
      var seen: [StoredDeadLetter] = []
      var cursor: DeadLetterCursor?
      repeat {
        let page = try await bench.store.letters(behind: cursor, limit: 3, deadline: bench.soon)
        seen += page.letters
        cursor = page.next.flatMap { DeadLetterCursor(text: $0.text) }
      } while cursor != nil
      try demand(seen.count, 7)
      try demand(seen.map(\.diedAt), seen.map(\.diedAt).sorted(by: >))
      try demand(Set(seen.map(\.id)).count, 7)
      let counts = try await bench.store.counts(deadline: bench.soon)
      try demand([counts.open, counts.resolved], [7, 0])
      try demand(counts.byQueue.map(\.count), [7])
      try demand(counts.byType.map { "\($0.name ?? "-") \($0.count)" }.sorted(), ["- 2", "Thing 5"])
      try demand(counts.oldest, seen.last?.diedAt)
      bench.finish()
    }
  }

  @Test func areReadWithCauseHistoryAndBody() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      let event = try await bench.kill(1)[0]
      try await client.publish([
        ByteBuffer(bytes: [0xFF, 0x00, 0x10]), ByteBuffer(bytes: Array(repeating: 65, count: 70_000)),
      ])
      try await client.sleep(.seconds(2))
      var bodies: [DeadLetterBody] = []
      for listed in try await bench.store.letters(limit: 10, deadline: bench.soon).letters {
        guard let (letter, body) = try await bench.store.letter(listed.id, deadline: bench.soon) else {
          return try demand(true, false)
        }
        try demand(letter, listed)
        guard letter.eventId == event.id else {
          bodies.append(body)
          continue
        }
        try demand(body, .text(String(buffer: event.encoded)))
        try demand([letter.exchange, letter.routingKey, letter.queue], ["events", "thing.happened", "work"])
        try demand(letter.cause, "it has no order")
        try demand(letter.history, "attempt 1: it has no order\n")
        try demand(letter.size, event.encoded.readableBytes)
      }
      try demand(Set(bodies), [.hex("ff0010"), .tooLarge])
      try demand(try await bench.store.letter(client.process.entropy.uuid(), deadline: bench.soon) == nil, true)
      bench.finish()
    }
  }

  @Test func aRetriedEventTakesEffectOnceAndSaysWhoWantedIt() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      let event = try await bench.kill(1)[0]
      let id = try await bench.onlyLetter().id
      bench.isBroken = false
      try demand(try await bench.store.retry(id, by: "ada", deadline: bench.soon), .retried)
      try await client.sleep(.seconds(1))
      try demand(world.rows("effects").count, 1)
      try demand(world.rows("dead_letters")[0]["resolution"], .text("retried by ada"))
      let inbox = world.rows("inbox")[0]
      try demand([inbox["attempts"], inbox["dead_at"]], [.int(1), .null])
      try demand(inbox["history"], .text("attempt 1: it has no order\ntried again by ada\n"))
      try demand(
        try await bench.store.retry(id, by: "bob", deadline: bench.soon), .resolved("retried by ada"))
      try demand(world.runs[event.id], 2)
      bench.finish()
    }
  }

  /// The message goes to its queue and nowhere else, and still tells where it was published first.
  @Test func aRetriedMessageKeepsItsOrigin() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(1)
      bench.consumer.finish()
      try await client.sleep(.seconds(1))
      let id = try await bench.onlyLetter().id
      try demand(try await bench.store.retry(id, by: "ada", deadline: bench.soon), .retried)
      let messages = world.broker.messages(in: "work")
      try demand(messages.count, 1)
      try demand(messages[0].headers?["zoco-exchange"], "events")
      try demand(messages[0].headers?["zoco-routing-key"], "thing.happened")
      try demand(messages[0].isPersistent, true)
      bench.finish()
    }
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func aLetterThatDiesAgainIsOpenAgain(_ seed: UInt64) throws {
    let world = try EventWorld(seed: seed)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(1)
      let first = try await bench.onlyLetter()
      try demand(try await bench.store.retry(first.id, by: "ada", deadline: bench.soon), .retried)
      try await client.sleep(.seconds(2))
      let second = try await bench.onlyLetter()
      try demand(second.id, first.id)
      try demand(second.diedAt > first.diedAt, true)
      try demand(
        second.history, "attempt 1: it has no order\ntried again by ada\nattempt 1: it has no order\n")
      bench.isBroken = false
      try demand(try await bench.store.retry(first.id, by: "ada", deadline: bench.soon), .retried)
      try await client.sleep(.seconds(2))
      try demand(world.rows("effects").count, 1)
      bench.finish()
    }
  }

  /// The message dies again before its letter could be resolved: the late word must not hide the new death.
  @Test func aDeathThatOvertakesTheRetryIsNotHidden() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(1)
      let first = try await bench.onlyLetter()
      let connector = PausingSQL(base: world.sql(client.process), part: "died_at = $3") {
        try await client.sleep(.seconds(3))
      }
      let store = DeadLetterStore(
        pool: SQLPool(connector: connector, environment: client.process.quiet),
        connector: world.broker.connector(for: client.process), topology: world.queue.topology,
        environment: client.process.quiet)
      let start = client.process.clock.now
      try demand(try await store.retry(first.id, by: "ada", deadline: bench.soon), .retried)
      try demand(start.duration(to: client.process.clock.now) > .seconds(3), true)
      try demand(try await bench.onlyLetter().diedAt > first.diedAt, true)
      store.shutdown()
      bench.finish()
    }
  }

  @Test func whileTheBrokerIsDownNoLetterIsTouched() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(2)
      let letters = try await bench.store.letters(limit: 10, deadline: bench.soon).letters
      let before = world.rows("inbox").map { "\($0.values)" }
      world.broker.crash()
      for _ in 0..<2 {
        await expectBrokerError { _ = try await bench.store.retry(letters[0].id, by: "ada", deadline: bench.soon) }
        await expectBrokerError { _ = try await bench.store.retryAll(by: "ada", deadline: bench.soon) }
      }
      try demand(world.rows("inbox").map { "\($0.values)" }, before)
      try demand(try await bench.store.letters(limit: 10, deadline: bench.soon).letters, letters)
      world.broker.restart()
      bench.isBroken = false
      try await client.sleep(.seconds(15))
      try demand(try await bench.store.retryAll(by: "ada", deadline: bench.soon).retried, 2)
      try await client.sleep(.seconds(5))
      try demand(world.rows("effects").count, 2)
      bench.finish()
    }
  }

  /// The broker has the message and its confirm gets lost: the letter stays open, and finds out later.
  @Test func aRetryWhoseConfirmIsLostIsSettledByItsEffect() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(1)
      let id = try await bench.onlyLetter().id
      bench.isBroken = false
      world.broker.faults.loseConfirms = 1
      await expectBrokerError { _ = try await bench.store.retry(id, by: "ada", deadline: client.after(.seconds(5))) }
      world.broker.faults = RabbitMQFaultRates()
      try await client.sleep(.seconds(20))
      try demand(world.rows("effects").count, 1)
      try demand(try await bench.store.counts(deadline: bench.soon).open, 0)
      try demand(world.rows("dead_letters")[0]["resolution"], .text("processed"))
      bench.finish()
    }
  }

  /// Whoever retries dies in the middle, wherever that is: the letter is open, and retrying it again does no harm.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func anOperatorThatCrashesLeavesNothingBehind(_ seed: UInt64) throws {
    let world = try EventWorld(seed: seed)
    let operators = world.kernel.host("operator")
    world.run { client in
      let bench = try await LetterBench(client)
      let events = try await bench.kill(6)
      bench.isBroken = false
      let stream = world.kernel.stream("crashes")
      operators.boot { process in
        let store = bench.makeStore(process, pageSize: 2)
        try? await process.clock.sleep(for: .milliseconds(1))
        _ = try? await store.retryAll(by: "ada", deadline: process.clock.now.advanced(by: .seconds(20)))
      }
      for _ in 0..<4 {
        try await client.sleep(stream.duration(in: .milliseconds(1) ... .milliseconds(12)))
        operators.crash()
        operators.restart()
      }
      try await client.sleep(.seconds(10))
      _ = try await bench.store.retryAll(by: "ada", deadline: bench.soon)
      try await client.sleep(.seconds(10))
      try demand(try await bench.store.counts(deadline: bench.soon).open, 0)
      try demand(
        Set(world.rows("effects").map { "\($0["event_id"])" }), Set(events.map { "\(SQLValue.uuid($0.id))" }))
      try demand(world.rows("effects").count, 6)
      bench.finish()
    }
  }

  @Test func retryingAllGoesThroughEveryPageAndLeavesWhatDiesAgain() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(7)
      try await client.publish([ByteBuffer(string: "no event")])
      try await client.sleep(.seconds(1))
      bench.isBroken = false
      let store = bench.makeStore(client.process, pageSize: 3)
      let totals = try await store.retryAll(by: "ada", deadline: bench.soon)
      try demand([totals.retried, totals.processed, totals.failed], [8, 0, 0])
      try demand(totals.isComplete, true)
      try await client.sleep(.seconds(2))
      try demand(world.rows("effects").count, 7)
      let left = try await bench.onlyLetter()
      try demand(left.eventId, nil)
      try demand(left.type, nil)
      store.shutdown()
      bench.finish()
    }
  }

  @Test func retryingAllStopsInTimeAndSaysSo() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(3)
      let totals = try await bench.store.retryAll(by: "ada", deadline: client.after(.milliseconds(900)))
      try demand([totals.retried, totals.failed], [0, 0])
      try demand(totals.isComplete, false)
      bench.finish()
    }
  }

  @Test func aDiscardedLetterStaysDeadAndSaysWhy() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(1)
      let id = try await bench.onlyLetter().id
      bench.isBroken = false
      let store = bench.store
      try demand(try await store.discard(id, by: "ada", reason: "a test's", deadline: bench.soon), .discarded)
      let resolution = "discarded by ada: a test's"
      try demand(
        try await store.discard(id, by: "bob", reason: "no", deadline: bench.soon), .resolved(resolution))
      try demand(try await store.retry(id, by: "bob", deadline: bench.soon), .resolved(resolution))
      let unknown = client.process.entropy.uuid()
      try demand(try await store.discard(unknown, by: "ada", reason: "no", deadline: bench.soon), .notFound)
      try demand(try await store.retry(unknown, by: "ada", deadline: bench.soon), .notFound)
      let resolved = try await store.letters(isOpen: false, limit: 5, deadline: bench.soon).letters
      try demand(resolved.map(\.resolution), [resolution])
      let counts = try await store.counts(deadline: bench.soon)
      try demand([counts.open, counts.resolved], [0, 1])
      try demand(world.rows("effects").count, 0)
      bench.finish()
    }
  }

  /// A retry whose word got lost leaves its event revived, and perhaps its message in the queue: discarded, neither has an
  /// effect any more.
  @Test func aLetterThatIsDiscardedAfterARetryWithoutAnAnswerStaysDead() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      let event = try await bench.kill(1)[0]
      let id = try await bench.onlyLetter().id
      bench.isBroken = false
      let pool = world.pool(client.process)
      let revived: SQLStatement = "UPDATE inbox SET attempts = 0, dead_at = NULL WHERE event_id = \(event.id)"
      _ = try await pool.withConnection(deadline: bench.soon) { try await $0.execute(revived, deadline: bench.soon) }
      try demand(try await bench.store.discard(id, by: "ada", reason: "a test's", deadline: bench.soon), .discarded)
      try await client.publish([event.encoded])
      try await client.sleep(.seconds(5))
      try demand(world.rows("effects").count, 0)
      try demand(bench.processed, 0)
      bench.finish()
    }
  }

  @Test func withoutABrokerLettersCanBeReadAndDiscarded() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bench = try await LetterBench(client)
      try await bench.kill(1)
      let id = try await bench.onlyLetter().id
      let store = DeadLetterStore(
        pool: world.pool(client.process), connector: nil, topology: world.queue.topology,
        environment: client.process.quiet)
      await expectBrokerError { _ = try await store.retry(id, by: "ada", deadline: bench.soon) }
      await expectBrokerError { _ = try await store.retryAll(by: "ada", deadline: bench.soon) }
      try demand(try await store.discard(id, by: "ada", reason: "so", deadline: bench.soon), .discarded)
      bench.finish()
    }
  }
}

/// The SQL seam with a pause before each statement that has a certain part.
private struct PausingSQL: SQLConnector {
  let base: any SQLConnector
  let part: String
  let pause: @Sendable () async throws -> Void

  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    Connection(base: try await base.connect(deadline: deadline), own: self)
  }

  private final class Connection: SQLConnection {
    let base: any SQLConnection
    let own: PausingSQL

    init(base: any SQLConnection, own: PausingSQL) { (self.base, self.own) = (base, own) }

    var status: SQLConnectionStatus { base.status }

    func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
      if statement.text.contains(own.part) { try await own.pause() }
      return try await base.execute(statement, deadline: deadline)
    }

    func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
      try await base.executeBatch(statements, deadline: deadline)
    }

    func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
      try await base.executeScript(text, deadline: deadline)
    }

    func close() { base.close() }
  }
}

/// Expects that `body` fails for want of the broker.
private func expectBrokerError(_ body: () async throws -> Void) async {
  do {
    try await body()
    preconditionFailure("the broker took it")
  } catch {
    precondition(error is BrokerError, "\(error)")
  }
}

/// A consumer whose handler refuses what it is told to, and the letters that come of it.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
private final class LetterBench: @unchecked Sendable {
  var isBroken = true
  let client: EventClient
  private(set) var consumer: InboxConsumer
  private(set) var store: DeadLetterStore

  init(_ client: EventClient) async throws {
    self.client = client
    let world = client.world
    store = DeadLetterStore(
      pool: world.pool(client.process), connector: world.broker.connector(for: client.process),
      topology: world.queue.topology, environment: client.process.quiet)
    consumer = world.consumer(client.process) { _, _, _ in }
    consumer = world.consumer(client.process) { [self] _, _, _ in
      if isBroken { throw UnacceptableEvent("it has no order") }
    }
    let consumer = consumer
    client.process.spawn("consumer") { try await consumer.run() }
    try await client.sleep(.seconds(1))
  }

  /// How many events have taken effect.
  var processed: Int { consumer.figures.processed }

  var soon: MonotonicInstant { client.after(.seconds(30)) }

  func makeStore(_ process: SimulatedProcess, pageSize: Int) -> DeadLetterStore {
    var options = DeadLetterStore.Options()
    options.pageSize = pageSize
    let world = client.world
    return DeadLetterStore(
      pool: world.pool(process), connector: world.broker.connector(for: process), topology: world.queue.topology,
      environment: process.quiet, options: options)
  }

  /// Publishes events that die.
  @discardableResult
  func kill(_ count: Int) async throws -> [CloudEvent] {
    let events = client.events(count)
    try await client.publish(events.map(\.encoded))
    try await client.wait { self.client.world.rows("dead_letters").count >= count }
    try await client.sleep(.seconds(1))
    return events
  }

  /// The one open letter.
  func onlyLetter() async throws -> StoredDeadLetter {
    let letters = try await store.letters(limit: 10, deadline: soon).letters
    try demand(letters.count, 1)
    return letters[0]
  }

  func finish() {
    consumer.finish()
    store.shutdown()
  }
}
