import NIOCore
import Seams
import SimulatedNetwork
import SimulatedRabbitMQ
import SimulationKernel
import Testing

@Suite("The simulated RabbitMQ under faults")
struct FaultTests {
  @Test func aCrashKeepsWhatWasConfirmedAndLosesTheRest() {
    let laboratory = Laboratory { $0.syncDelay = .milliseconds(20) ... .milliseconds(20) }
    laboratory.run { client in
      let channel = try await client.channel()
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      _ = try await channel.declareQueue(BrokerQueue("t", isDurable: false), passive: false, deadline: client.soon)
      _ = try await channel.publish(client.publications("q", ["1"]), deadline: client.soon)
      _ = try await channel.publish(client.publications("q", ["2"], isPersistent: false), deadline: client.soon)
      let publications = client.publications("q", ["3"])
      client.process.host.kernel.schedule(after: .milliseconds(5)) { client.server.crash() }
      let lost = try await failure { _ = try await channel.publish(publications[0], deadline: client.soon) }
      try expectEqual(lost.code, .connectionLost)
      try expectEqual(lost.disposition, .ambiguous)
      let refused = try await failure { _ = try await client.connect() }
      try expectEqual(refused.code, .connectFailed)
      client.server.restart()
      try await client.sleep(3000)
      try expectEqual(client.ids("q"), ["1"])
      let again = try await client.channel()
      let gone = try await failure {
        _ = try await again.declareQueue(BrokerQueue("t"), passive: true, deadline: client.soon)
      }
      try expectEqual(gone.replyCode, .notFound)
    }
  }

  @Test(arguments: [
    (RabbitMQFault.connectionLostBefore, [String]()), (.connectionLostAfter, ["1"]), (.confirmLost, ["1"]),
  ])
  func aLostConnectionIsAmbiguousWhateverBecameOfTheMessage(_ fault: RabbitMQFault, _ stored: [String]) {
    Laboratory().run { client in
      let channel = try await client.channel()
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      client.server.injectNext(fault)
      let publication = client.publications("q", ["1"])[0]
      let error = try await failure { _ = try await channel.publish(publication, deadline: client.soon) }
      try expectEqual(error.code, .connectionLost)
      try expectEqual(error.disposition, .ambiguous)
      try expectEqual(client.ids("q"), stored)
      try expectEqual(client.server.faultCounts.map(\.fault), [fault])
    }
  }

  @Test func refusedConnectionsAndNackedMessagesTookNoEffect() {
    Laboratory().run { client in
      client.server.injectNext(.connectionRefused)
      let refused = try await failure { _ = try await client.connect() }
      try expectEqual(refused.disposition, .retryable)
      let channel = try await client.channel()
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      client.server.injectNext(.publishNacked)
      let outcomes = try await channel.publish(client.publications("q", ["1", "2"]), deadline: client.soon)
      try expectEqual(outcomes.map(\.isConfirmed), [false, true])
      try expectEqual(client.ids("q"), ["2"])
    }
  }

  @Test func aSlowBrokerMeetsTheDeadlineAndTheChannelLivesOn() {
    Laboratory().run { client in
      let channel = try await client.channel()
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      client.server.faults.slowness = .seconds(1) ... .seconds(1)
      client.server.injectNext(.slowRequest)
      let soon = client.process.clock.now.advanced(by: .milliseconds(100))
      let late = try await failure { _ = try await channel.publish(client.publications("q", ["1"])[0], deadline: soon) }
      try expectEqual(late.code, .deadlineExceeded)
      try expectEqual(late.disposition, .ambiguous)
      let outcome = try await channel.publish(client.publications("q", ["2"])[0], deadline: client.soon)
      try expectEqual(outcome.isConfirmed, true)
      try expectEqual(client.ids("q"), ["1", "2"])
      // A get that nobody waits for any more gives its message back.
      client.server.injectNext(.slowRequest)
      let next = client.process.clock.now.advanced(by: .milliseconds(100))
      _ = try await failure { _ = try await channel.get("q", deadline: next) }
      try await client.sleep(2000)
      try expectEqual(client.ids("q"), ["1", "2"])
    }
  }

  @Test func heartbeatsTellBothSidesOfAPartition() {
    let laboratory = Laboratory()
    let (network, broker) = (laboratory.network, laboratory.server.host)
    laboratory.run { client in
      let channel = try await client.channel()
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      _ = try await channel.publish(client.publications("q", ["1"]), deadline: client.soon)
      let deliveries = try await channel.consume("q", prefetch: 1, isExclusive: false, deadline: client.soon)
      var iterator = deliveries.makeAsyncIterator()
      _ = try await iterator.next()
      try expectEqual(client.ids("q"), [])
      network.partition([client.process.host], from: [broker])
      let start = client.process.clock.now
      let lost = try await failure { _ = try await iterator.next() }
      try expectEqual(lost.code, .connectionLost)
      let waited = start.duration(to: client.process.clock.now)
      try expectEqual(waited > .seconds(15) && waited < .seconds(30), true)
      try await client.sleep(10_000)
      // The broker has noticed too, and has taken the message back.
      try expectEqual(client.ids("q"), ["1"])
      network.heal()
      let again = try await client.channel().get("q", deadline: client.soon)
      try expectEqual(again?.isRedelivered, true)
    }
  }

  @Test func whatTheNetworkLosesIsSentAgainInOrder() {
    let laboratory = Laboratory()
    let (network, broker) = (laboratory.network, laboratory.server.host)
    laboratory.run { client in
      let channel = try await client.channel()
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      for (source, target) in [(client.process.host, broker), (broker, client.process.host)] {
        network.link(from: source, to: target).loss = 0.3
      }
      for number in 0..<50 {
        _ = try await channel.publish(client.publications("q", ["\(number)"]), deadline: client.soon)
      }
      try expectEqual(client.ids("q"), (0..<50).map { "\($0)" })
    }
  }

  @Test func aClientsCrashGivesItsMessagesBack() {
    let laboratory = Laboratory()
    let (kernel, server) = (laboratory.kernel, laboratory.server)
    let consumer = kernel.host("consumer")
    laboratory.run { client in
      let channel = try await client.channel()
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      _ = try await channel.publish(client.publications("q", ["1", "2", "3"]), deadline: client.soon)
      consumer.boot { process in
        let other = Client(process: process, server: server)
        let deliveries = try await other.channel().consume("q", prefetch: 2, isExclusive: false, deadline: other.soon)
        for try await _ in deliveries {}
      }
      try await client.sleep(100)
      try expectEqual(client.ids("q"), ["3"])
      consumer.crash()
      try await client.sleep(100)
      try expectEqual(client.ids("q"), ["1", "2", "3"])
      try expectEqual(try await channel.get("q", deadline: client.soon)?.isRedelivered, true)
    }
  }

  @Test func anOperatorsStopSaysWhy() {
    Laboratory().run { client in
      let connection = try await client.connect()
      let channel = try await connection.openChannel(deadline: client.soon)
      _ = try await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
      let deliveries = try await channel.consume("q", prefetch: 1, isExclusive: false, deadline: client.soon)
      client.server.closeAllConnections()
      let error = try await failure { for try await _ in deliveries {} }
      try expectEqual(error.replyCode, .connectionForced)
      try expectEqual(error.disposition, .retryable)
      try expectEqual(connection.isOpen, false)
    }
  }

  @Test func aSeedIsOneRun() {
    func hash(_ seed: UInt64) -> UInt64 {
      let laboratory = Laboratory(seed: seed)
      laboratory.server.faults.loseConnection = 0.02
      laboratory.server.faults.slowRequests = 0.05
      laboratory.run { client in
        for round in 0..<20 {
          guard let channel = try? await client.channel() else { continue }
          _ = try? await channel.declareQueue(BrokerQueue("q"), passive: false, deadline: client.soon)
          _ = try? await channel.publish(client.publications("q", ["\(round)"]), deadline: client.soon)
          _ = try? await channel.get("q", deadline: client.soon)
        }
      }
      return laboratory.kernel.trace.hash
    }
    #expect(hash(7) == hash(7))
    #expect(hash(7) != hash(8))
  }
}
