import Seams
import ServiceKit
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

@Suite("Publishing the outbox")
struct OutboxPublisherTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func everyCommittedEventIsPublishedInOrderWhateverBreaks(_ seed: UInt64) throws {
    #expect(EventScenario.publishing.play(try EventWorld(seed: seed)) == .finished)
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func twoPublishersShareTheWorkAndPublishNothingTwice(_ seed: UInt64) throws {
    #expect(EventScenario.sharing.play(try EventWorld(seed: seed)) == .finished)
  }

  @Test func aBellIsHeardAtOnceAndTheLackOfItWithinThePoll() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bell = Doorbell()
      let publisher = world.publisher(client.process, bell: bell) { $0.pollInterval = .seconds(20) }
      client.process.spawn("publisher") { try await publisher.run() }
      try await client.sleep(.seconds(1))
      try await client.write("Thing", "s1", 1)
      try await client.sleep(.milliseconds(300))
      try demand(publisher.figures.published, 0)
      bell.ring()
      try await client.sleep(.milliseconds(300))
      try demand(publisher.figures.published, 1)
      try await client.write("Thing", "s1", 2)
      try await client.sleep(.seconds(23))
      try demand(publisher.figures.published, 2)
      await publisher.finish(by: client.after(.seconds(5)))
    }
  }

  /// Somebody holds the shard and may have read it before the event was committed: nobody else will ring or poll for it.
  @Test func anEventInAShardThatAnotherHasGoesOutSoonAfterThat() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let bell = Doorbell()
      let publisher = world.publisher(client.process, bell: bell) { $0.pollInterval = .seconds(3_600) }
      let other = try await world.database.connector(for: client.process).connect(deadline: client.after(.seconds(5)))
      let deadline = client.after(.seconds(60))
      _ = try await other.executeBatch(["BEGIN", "SELECT pg_try_advisory_xact_lock(2828, 1)"], deadline: deadline)
      client.process.spawn("publisher") { try await publisher.run() }
      try await client.sleep(.seconds(1))
      try await client.write("Thing", "s1", 1)
      try await client.write("Thing", "s2", 1, shard: 2)
      bell.ring()
      try await client.sleep(.milliseconds(200))
      try demand(publisher.figures.published, 1)
      // It asks ten times a second and not more often: about 5 statements, 10 messages each time.
      let before = world.kernel.trace.count
      try await client.sleep(.seconds(10))
      try demand((400...4_000).contains(world.kernel.trace.count - before), true)
      try demand(publisher.figures.published, 1)
      _ = try await other.execute("COMMIT", deadline: deadline)
      try await client.sleep(.milliseconds(200))
      try demand(publisher.figures.published, 2)
      other.close()
      await publisher.finish(by: client.after(.seconds(5)))
    }
  }

  @Test func whatCanNeverBePublishedIsSetAsideAndBlocksNothing() throws {
    let world = try EventWorld(seed: 1) { $0.maximumMessageSize = 2_000 }
    world.run { client in
      var routes = EventWorld.routes
      routes.isMandatory = true
      let topology = BrokerTopology(
        exchanges: [BrokerExchange("events", .topic)], queues: [BrokerQueue("log")],
        bindings: [BrokerBinding(queue: "log", exchange: "events", routingKey: "thing.*")])
      let publisher = world.publisher(client.process, routes: routes, topology: topology) { $0.maximumDataSize = 4_000 }
      func text(_ size: Int) -> String { "\"" + String(repeating: "x", count: size - 2) + "\"" }
      try await client.write("Thing", "s1", 1)
      try await client.write("Thing", "s1", 2, data: text(3_000))
      try await client.write("Thing", "s1", 3, data: text(5_000))
      try await client.write("Unheard", "s1", 4)
      try await client.write("Lost", "s1", 5)
      try await client.write("Thing", "s1", 6, data: "{\"a\": 1, \"a\": 2}")
      try await client.write("Thing", "s1", 7)
      client.process.spawn("publisher") { try await publisher.run() }
      try await client.sleep(.seconds(5))
      try demand(try DeliveryChecker(world: world).publishing(), [])
      try demand(try world.logged.map(\.sequence), [1, 7])
      let reasons = world.rows("outbox").sorted { "\($0["position"])" < "\($1["position"])" }.map { row -> String in
        if case .text(let reason) = row["refusal"] { String(reason.prefix(44)) } else { "" }
      }
      try demand(
        reasons,
        [
          "", "the broker refused it: refused 406: PRECONDIT", "its data has 5000 bytes, more than 4000",
          "there is no route for the type \"Unheard\"", "the broker returned it: 312 NO_ROUTE",
          "its data is malformed: Line 1, column 10: duplicate", "",
        ].map { String($0.prefix(44)) })
      try demand(publisher.figures.refused, 5)
      await publisher.finish(by: client.after(.seconds(5)))
    }
  }

  @Test func anEventThatNobodyWantsIsPublished() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let publisher = world.publisher(
        client.process, topology: BrokerTopology(exchanges: [BrokerExchange("events", .topic)]))
      client.process.spawn("publisher") { try await publisher.run() }
      try await client.write("Lost", "s1", 1)
      try await client.sleep(.seconds(2))
      try demand(publisher.figures.published, 1)
      try demand(publisher.figures.refused, 0)
      await publisher.finish(by: client.after(.seconds(5)))
    }
  }

  @Test func aMissingExchangeIsDeclaredAgainAndNoEventIsBlamed() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let publisher = world.publisher(client.process)
      client.process.spawn("publisher") { try await publisher.run() }
      try await client.write("Thing", "s1", 1)
      try await client.sleep(.seconds(2))
      let channel = try await client.channel()
      try await channel.deleteExchange("events", ifUnused: false, deadline: client.after(.seconds(5)))
      try await client.write("Thing", "s1", 2)
      try await client.sleep(.seconds(10))
      try demand(try DeliveryChecker(world: world).publishing(), [])
      try demand(publisher.figures.refused, 0)
      await publisher.finish(by: client.after(.seconds(5)))
    }
  }

  @Test func noTransactionIsHeldOpenForABrokerThatIsDown() throws {
    let world = try EventWorld(seed: 1)
    world.broker.crash()
    world.run { client in
      let publisher = world.publisher(client.process)
      client.process.spawn("publisher") { try await publisher.run() }
      try await client.write("Thing", "s1", 1)
      var busy = 0
      for _ in 0..<300 {
        try await client.sleep(.milliseconds(100))
        if publisher.figures.published > 0 { busy += 1 }
      }
      try demand(busy, 0)
      // It waits longer and longer: a try every half second would be sixty.
      try demand((3...12).contains(publisher.figures.failures), true)
      let stopping = client.process.clock.now
      await publisher.finish(by: client.after(.seconds(60)))
      try demand(stopping.duration(to: client.process.clock.now) < .seconds(15), true)
      try demand(world.rows("outbox").filter { $0["published_at"] == .null }.count, 1)
    }
  }

  @Test func finishingPublishesWhatIsThere() throws {
    let world = try EventWorld(seed: 1)
    world.run { client in
      let publisher = world.publisher(client.process) { $0.pollInterval = .seconds(3_600) }
      client.process.spawn("publisher") { try await publisher.run() }
      try await client.sleep(.seconds(1))
      try await client.write(200, pause: 0...0)
      try demand(publisher.figures.published, 0)
      await publisher.finish(by: client.after(.seconds(20)))
      try demand(try DeliveryChecker(world: world).publishing(), [])
      await publisher.finish(by: client.after(.seconds(20)))
    }
  }
}
