import FoundationEssentials
import NIOCore
import Seams
import ServiceKit
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

@Suite("Consuming events")
struct InboxConsumerTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func everyDeliveryTakesEffectOnceWhateverBreaks(_ seed: UInt64) throws {
    #expect(EventScenario.consuming.play(try EventWorld(seed: seed)) == .finished)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func fromTheOutboxToTheEffectEveryCommittedEventCountsOnce(_ seed: UInt64) throws {
    let world = try EventWorld(seed: seed)
    let topology = EventWorld.log.merged(with: world.queue.topology)
    for name in ["a", "b"] { world.bootPublisher(name, topology: topology) }
    for name in ["c", "d"] { world.bootConsumer(name, lanes: 2) }
    world.run { client in
      world.stir()
      try await client.write(100)
      world.calm()
      let isAtRest = {
        let ids = Set(try world.rows("outbox").map { try $0.decode("id", as: UUID.self) })
        let checker = DeliveryChecker(world: world)
        return try checker.publishing() + checker.effects(of: ids)
      }
      try await client.wait { try isAtRest().isEmpty }
      try demand(try isAtRest(), [])
    }
  }

  @Test func failuresWaitLongerAndLongerAndEndInTheDeadLetters() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let times = Log<Duration>()
      let start = client.process.clock.now
      let consumer = world.consumer(client.process) { _, _, _ in
        times.append(start.duration(to: client.process.clock.now))
        throw UnwillingTest(text: "not \u{0} today")
      }
      client.process.spawn("consumer") { try await consumer.run() }
      let event = client.events(1)[0]
      try await client.publish([event.encoded])
      try await client.sleep(.seconds(30))
      let pauses = zip(times.entries, times.entries.dropFirst()).map { Int(($1 - $0).inSeconds.rounded()) }
      try demand(pauses, [1, 2, 4, 8])
      try demand(try DeliveryChecker(world: world).effects(of: [event.id], dies: { _ in true }), [])
      let letter = world.rows("dead_letters")[0]
      try demand(letter["attempts"], .int(5))
      try demand(letter["exchange"], .text("events"))
      try demand(letter["routing_key"], .text("thing.happened"))
      try demand(letter["reason"], .text("not \u{FFFD} today"))
      guard case .text(let history) = letter["history"] else { return try demand(true, false) }
      try demand(history.split(separator: "\n").map { $0.prefix(10) }, (1...5).map { "attempt \($0):" })
      let message = world.broker.messages(in: "work.dlq")[0]
      try demand(message.headers?["zoco-attempts"], 5)
      try demand(message.headers?["zoco-routing-key"], "thing.happened")
      try demand(message.headers?["zoco-error"]?.string?.hasSuffix("today"), true)
      try demand(consumer.figures.failures, 5)
      try demand(consumer.figures.buried, 1)
      consumer.finish()
      try await client.sleep(.seconds(1))
    }
  }

  @Test func anEventThatTakesItsConsumerDownIsCountedAndTheOthersAreNot() throws {
    let world = try EventWorld(seed: 1)
    world.bootConsumer("a") { host, event in
      guard event.data?.integer == 5 else { return }
      world.bounce(host)
      try await host.process?.clock.sleep(for: .seconds(1))
    }
    world.run { client in
      let events = client.events(10)
      try await client.publish(events.map(\.encoded))
      let dies = { (id: UUID) in id == events[4].id }
      let ids = Set(events.map(\.id))
      try await client.wait { try DeliveryChecker(world: world).effects(of: ids, dies: dies).isEmpty }
      try demand(try DeliveryChecker(world: world).effects(of: ids, dies: dies), [])
      try demand(world.runs[events[4].id], 5)
      for row in world.rows("inbox") where row["dead_at"] == .null { try demand(row["attempts"], .int(1)) }
    }
  }

  @Test func whatIsNoEventGoesToTheDeadLettersAtOnce() throws {
    let world = try EventWorld(seed: 1)
    world.bootConsumer("a")
    world.run { client in
      let good = client.events(1)[0]
      var unknown = good
      unknown.id = client.process.entropy.uuid()
      unknown.type = "Other\u{0}"
      let bodies = [
        ByteBuffer(string: "not json"), ByteBuffer(bytes: [0xFF, 0x00, 0xFE]), ByteBuffer(), ByteBuffer(string: "[]"),
        ByteBuffer(string: "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"a\",\"type\":\"b\"}"),
        ByteBuffer(string: "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"a\",\"type\":\"b\"}"),
        unknown.encoded, good.encoded,
      ]
      try await client.publish(bodies)
      try await client.sleep(.seconds(3))
      let letters = world.rows("dead_letters")
      try demand(letters.count, 7)
      try demand(world.broker.messages(in: "work.dlq").map(\.body), Array(bodies.dropLast()))
      try demand(
        Set(letters.map { "\($0["body"])" }),
        Set(bodies.dropLast().map { "\(SQLValue.bytes(Array($0.readableBytesView)))" }))
      try demand(world.rows("effects").count, 1)
    }
  }

  @Test func anEventThatItsHandlerWillNeverAcceptIsNotTriedAgain() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let consumer = world.consumer(client.process) { _, _, _ in throw UnacceptableEvent("it has no order") }
      client.process.spawn("consumer") { try await consumer.run() }
      let event = client.events(1)[0]
      try await client.publish([event.encoded])
      try await client.sleep(.seconds(1))
      try demand(world.runs[event.id], 1)
      try demand(try DeliveryChecker(world: world).effects(of: [event.id], dies: { _ in true }), [])
      consumer.finish()
      try await client.sleep(.seconds(1))
    }
  }

  @Test func anUnknownTypeMayBeIgnored() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let consumer = world.consumer(client.process) {
        $0.unknownTypes = .ignore
      } handler: { _, _, _ in
      }
      client.process.spawn("consumer") { try await consumer.run() }
      var event = client.events(1)[0]
      event.type = "Other"
      try await client.publish([event.encoded])
      try await client.sleep(.seconds(2))
      try demand(world.rows("dead_letters").count + world.rows("effects").count, 0)
      try demand(world.broker.queueLengths.first { $0.name == "work" }?.ready, 0)
      consumer.finish()
      try await client.sleep(.seconds(1))
    }
  }

  @Test func whileTheDatabaseIsDownNothingIsCountedAndNothingIsLost() throws {
    let world = try EventWorld(seed: 1)
    world.bootConsumer("a")
    world.run { client in
      let events = client.events(20)
      try await client.sleep(.seconds(1))
      world.database.crash()
      try await client.publish(events.map(\.encoded))
      try await client.sleep(.seconds(60))
      world.database.restart()
      try await client.sleep(.seconds(30))
      try demand(try DeliveryChecker(world: world).effects(of: Set(events.map(\.id))), [])
      for row in world.rows("inbox") { try demand(row["attempts"], .int(1)) }
    }
  }

  @Test func aHandlerThatEndsItsTransactionIsFoundOut() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let consumer = world.consumer(client.process) { _, transaction, deadline in
        _ = try await transaction.execute("COMMIT", deadline: deadline)
      }
      client.process.spawn("consumer") { try await consumer.run() }
      let event = client.events(1)[0]
      try await client.publish([event.encoded])
      try await client.sleep(.seconds(2))
      try demand(consumer.figures.processed, 0)
      try demand(world.rows("dead_letters").count, 1)
      consumer.finish()
      try await client.sleep(.seconds(1))
    }
  }
}

private struct UnwillingTest: Error, CustomStringConvertible {
  let text: String
  var description: String { text }
}
