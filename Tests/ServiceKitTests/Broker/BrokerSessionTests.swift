import NIOCore
import Seams
import ServiceKit
import SimulatedRabbitMQ
import SimulationKernel
import Synchronization
import Testing

@Suite("A session with the broker")
struct BrokerSessionTests {
  @Test func whoComesFirstConnectsForAll() {
    BrokerWorld.run { world in
      let session = world.session()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<10 {
          group.addTask {
            let channel = try await session.channel(deadline: world.after(.seconds(5)))
            _ = try await channel.declareQueue(BrokerQueue("work"), passive: true, deadline: world.after(.seconds(5)))
          }
        }
        try await group.waitForAll()
      }
      try demand(session.connectionCount, 1)
      try demand(session.isConnected, true)
      session.shutdown()
      let refused = await error { _ = try await session.channel(deadline: world.after(.seconds(5))) }
      try demand(refused?.code, .closed)
    }
  }

  @Test func theFirstsCancellationLeavesTheTurnToAnother() {
    BrokerWorld.run { world in
      let session = world.session()
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
          let first = Cancellable()
          return await first.run { _ = try await session.channel(deadline: world.after(.seconds(5))) }
        }
        group.addTask {
          _ = try await session.channel(deadline: world.after(.seconds(5)))
          return true
        }
        for try await _ in group {}
      }
      try demand(session.isConnected, true)
    }
  }

  @Test func aBrokerThatComesBackGetsItsTopologyAgain() {
    BrokerWorld.run { world in
      var topology = BrokerWorld.topology
      topology.queues.append(BrokerQueue("fleeting", isDurable: false))
      let session = world.session(topology)
      let publisher = ConfirmingPublisher(session: session)
      let first = try await publisher.publish([world.event("1")], deadline: world.after(.seconds(5)))
      try demand(first.map(\.isConfirmed), [true])
      world.server.crash()
      // Before the client has heard of it, a message would be under way, and its fate unknown.
      try await world.sleep(.milliseconds(100))
      let down = try await publisher.publish([world.event("2")], deadline: world.after(.seconds(2)))
      guard case .failed(let error) = down[0] else { return try demand(true, false) }
      try demand(error.disposition, .retryable)
      world.server.restart()
      let back = try await publisher.publish([world.event("2")], deadline: world.after(.seconds(20)))
      try demand(back.map(\.isConfirmed), [true])
      try demand(world.ready, ["1", "2"])
      try demand(world.server.queueLengths.map(\.name), ["work", "fleeting"])
      try demand(session.connectionCount, 2)
    }
  }

  @Test func aRefusedTopologyIsReportedWithBothSides() {
    BrokerWorld.run { world in
      _ = try await world.session().channel(deadline: world.after(.seconds(5)))
      var queue = BrokerQueue("work")
      queue.maximumLength = 5
      let other = world.session(BrokerTopology(queues: [queue]))
      let refused = await error { _ = try await other.channel(deadline: world.after(.seconds(60))) }
      try demand(refused?.replyCode, .preconditionFailed)
      try demand(refused?.inequivalence?.argument, "x-max-length")
      try demand(refused?.inequivalence?.current, "none")
      try demand(refused?.inequivalence?.declared.contains("x-max-length: 5"), true)
    }
  }

  @Test func aConsumerGoesOnAfterCrashesAndADeletedQueue() {
    BrokerWorld.run { world in
      let session = world.session()
      let handled = Mutex<[String]>([])
      world.process.spawn("consumer") {
        try await session.consume("work", prefetch: 2) { delivery, channel in
          handled.withLock { $0.append(delivery.message.messageID ?? "") }
          try channel.acknowledge(delivery.tag)
        }
      }
      let publisher = ConfirmingPublisher(session: session)
      for round in 1...3 {
        let outcomes = try await publisher.publish([world.event("\(round)")], deadline: world.after(.seconds(60)))
        try demand(outcomes.map(\.isConfirmed), [true])
        try await world.sleep(.seconds(1))
        if round == 1 {
          world.server.crash()
          world.server.restart()
        } else if round == 2 {
          let channel = try await session.channel(deadline: world.after(.seconds(5)))
          _ = try await channel.deleteQueue(
            "work", ifUnused: false, ifEmpty: false, deadline: world.after(.seconds(5)))
        }
        try await world.sleep(.seconds(10))
      }
      try demand(handled.withLock { $0 }, ["1", "2", "3"])
      session.shutdown()
      try await world.sleep(.seconds(1))
    }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func everythingConfirmedIsHandledWhateverBreaks(_ seed: UInt64) {
    BrokerWorld.run(seed: seed) { world in
      world.server.faults.loseConnection = 0.02
      world.server.faults.loseConfirms = 0.05
      world.server.faults.refuseConnections = 0.2
      world.server.faults.nackPublishes = 0.05
      world.server.faults.slowRequests = 0.02
      let session = world.session()
      let handled = Mutex<Set<String>>([])
      world.process.spawn("consumer") {
        try await session.consume("work", prefetch: 4) { delivery, channel in
          handled.withLock { _ = $0.insert(delivery.message.messageID ?? "") }
          try channel.acknowledge(delivery.tag)
        }
      }
      let publisher = ConfirmingPublisher(session: session, chunk: 8)
      var confirmed: Set<String> = []
      for round in 0..<20 {
        let events = (0..<10).map { world.event("\(round)-\($0)") }
        let outcomes = try await publisher.publish(events, deadline: world.after(.seconds(30)))
        for (event, outcome) in zip(events, outcomes) where outcome.isConfirmed {
          confirmed.insert(event.message.messageID ?? "")
        }
        if round == 10 {
          world.server.crash()
          world.server.restart()
        }
      }
      world.server.faults = .init()
      try await world.sleep(.seconds(60))
      try demand(confirmed.count > 20, true)
      try demand(confirmed.subtracting(handled.withLock { $0 }), [])
      try demand(world.ready, [])
      session.shutdown()
      try await world.sleep(.seconds(1))
    }
  }

  private func error(_ body: () async throws -> Void) async -> BrokerError? {
    do {
      try await body()
      return nil
    } catch { return error as? BrokerError }
  }

  /// Starts something and cancels it at once.
  private struct Cancellable {
    /// - Returns: whether it was cancelled.
    func run(_ body: @escaping @Sendable () async throws -> Void) async -> Bool {
      await withTaskGroup(of: Bool.self) { group in
        group.addTask {
          do {
            try await body()
            return false
          } catch { return error is CancellationError }
        }
        await Task.yield()
        group.cancelAll()
        return await group.next() ?? false
      }
    }
  }
}

@Suite("Publishing in batches")
struct ConfirmingPublisherTests {
  @Test func whatTheBrokerRefusesBlocksNothing() {
    BrokerWorld.run {
      $0.maximumMessageSize = 1000
    } _: { world in
      let publisher = ConfirmingPublisher(session: world.session())
      let events = [
        world.event("1"), world.event("2", size: 1001), world.event("3"), world.event("4", exchange: "nowhere"),
        world.event("5"),
      ]
      let outcomes = try await publisher.publish(events, deadline: world.after(.seconds(10)))
      let dispositions = outcomes.map { outcome -> String in
        switch outcome {
        case .confirmed: "confirmed"
        case .failed(let error): "\(error.replyCode?.number ?? 0) \(error.disposition)"
        case .nacked, .returned: "?"
        }
      }
      try demand(dispositions, ["confirmed", "406 permanent", "confirmed", "404 permanent", "confirmed"])
      // In their order, though some may be there twice.
      var order: [String] = []
      for id in world.ready where order.last != id && !(order.contains(id)) { order.append(id) }
      try demand(order, ["1", "3", "5"])
      var long = world.event("6")
      long.routingKey = String(repeating: "k", count: 256)
      let more = try await publisher.publish([world.event("7"), long], deadline: world.after(.seconds(10)))
      try demand(more.map(\.isConfirmed), [true, false])
    }
  }

  @Test func afterALostConnectionTheRestIsUnsent() {
    BrokerWorld.run { world in
      let publisher = ConfirmingPublisher(session: world.session(), chunk: 2)
      _ = try await publisher.publish([world.event("0")], deadline: world.after(.seconds(5)))
      world.server.injectNext(.connectionLostBefore)
      let outcomes = try await publisher.publish(
        (1...5).map { world.event("\($0)") }, deadline: world.after(.seconds(5)))
      let dispositions = outcomes.map { outcome -> FailureDisposition? in
        if case .failed(let error) = outcome { error.disposition } else { nil }
      }
      try demand(dispositions, [.ambiguous, .ambiguous, .retryable, .retryable, .retryable])
      try demand(world.ready, ["0"])
    }
  }
}
