import FoundationEssentials
import Seams
import ServiceKit
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel

/// Runs that are judged at their end, by the tests of what is right and by those of planted bugs.
enum EventScenario: String, Sendable, CaseIterable {
  /// Two publishers, while everything fails.
  case publishing
  /// Two publishers, while nothing fails: no event goes out twice.
  case sharing
  /// Two consumers, while everything fails, with copies of events and handlers that fail or take their host down.
  case consuming

  /// Plays it in `world`.
  func play(_ world: EventWorld) -> RunOutcome {
    switch self {
    case .publishing: publishing(world)
    case .sharing: sharing(world)
    case .consuming: consuming(world)
    }
  }

  private func publishing(_ world: EventWorld) -> RunOutcome {
    world.bootPublisher("a")
    world.bootPublisher("b")
    return world.outcome { client in
      world.stir()
      try await client.write(120)
      world.calm()
      try await client.wait { try DeliveryChecker(world: world).publishing().isEmpty }
      try demand(try DeliveryChecker(world: world).publishing(), [])
      try demand(world.rows("outbox").count > 60, true)
    }
  }

  private func sharing(_ world: EventWorld) -> RunOutcome {
    let published = Log<Int>()
    return world.outcome { client in
      let publishers = (0..<2).map { _ in world.publisher(client.process) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for publisher in publishers { group.addTask { try await publisher.run() } }
        try await client.write(400, subjects: 40, pause: 0...5)
        for publisher in publishers {
          await publisher.finish(by: client.after(.seconds(10)))
          published.append(publisher.figures.published)
        }
        try await group.waitForAll()
      }
      try demand(try DeliveryChecker(world: world).publishing(), [])
      try demand(try world.logged.count, world.rows("outbox").count)
      try demand(published.entries.reduce(0, +), world.rows("outbox").count)
      try demand(published.entries.allSatisfy { $0 > 50 }, true)
    }
  }

  private struct Failed: Error {}

  private func consuming(_ world: EventWorld) -> RunOutcome {
    let entropy = world.kernel.stream("handlers")
    for name in ["a", "b"] {
      world.bootConsumer(name, lanes: 1 + Int(world.kernel.seed % 3)) { host, event in
        let clock = host.process?.clock
        try await clock?.sleep(for: .milliseconds(5))
        let number = event.data?.integer ?? 0
        // One in eight never succeeds, another takes its host down each time, others fail or do so now and then.
        if number % 8 == 0 || entropy.chance(0.1) { throw Failed() }
        if number == 9 || entropy.chance(0.02) {
          world.bounce(host)
          try await clock?.sleep(for: .seconds(1))
        }
      }
    }
    return world.outcome { client in
      let events = client.events(64)
      try await client.publish((events + events.prefix(16)).map(\.encoded))
      world.stir()
      try await client.sleep(.seconds(3))
      try await client.publish(events.suffix(10).map(\.encoded))
      world.calm()
      // Whoever was tried too often by accidents is dead, and the rest is done.
      let dead = { Set(try world.rows("dead_letters").map { try $0.decode("event_id", as: UUID.self) }) }
      let ids = Set(events.map(\.id))
      try await client.wait { try DeliveryChecker(world: world).effects(of: ids, dies: dead().contains).isEmpty }
      try demand(try DeliveryChecker(world: world).effects(of: ids, dies: dead().contains), [])
      let hopeless = events.filter { ($0.data?.integer ?? 0) % 8 == 0 || $0.data == 9 }
      try demand(Set(hopeless.map(\.id)).subtracting(try dead()), [])
      // Accidents are not the rule.
      try demand(try dead().count < 32, true)
    }
  }
}

extension EventClient {
  /// New events, numbered from 1 in their sequence and data.
  func events(_ count: Int) -> [CloudEvent] {
    (1...count).map { number in
      CloudEvent(
        id: process.entropy.uuid(), source: "urn:test", type: "Thing", subject: "s", sequence: number,
        data: .integer(Int64(number)))
    }
  }
}

extension EventWorld {
  /// Lets everything fail now and then: connections, confirms, commits, the broker, the hosts.
  func stir() {
    broker.faults.loseConnection = 0.01
    broker.faults.loseConfirms = 0.02
    broker.faults.refuseConnections = 0.1
    broker.faults.nackPublishes = 0.03
    broker.faults.slowRequests = 0.01
    database.faults.loseConnection = 0.003
    database.faults.loseCommitAnswerCommitted = 0.02
    database.faults.loseCommitAnswerRolledBack = 0.02
    database.faults.slowStatements = 0.005
    let stream = kernel.stream("bounces")
    for _ in 0..<4 {
      let host = stream.pick(hosts)
      kernel.schedule(after: stream.duration(in: .zero ... .seconds(2))) { self.bounce(host) }
    }
    if stream.chance(0.5) {
      kernel.schedule(after: stream.duration(in: .zero ... .seconds(1))) {
        self.broker.crash()
        self.broker.restart()
      }
    }
  }

  /// Heals everything.
  func calm() {
    broker.faults = RabbitMQFaultRates()
    database.faults = PostgresFaultRates()
  }
}
