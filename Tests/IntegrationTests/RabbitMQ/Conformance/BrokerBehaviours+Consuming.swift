import NIOCore
import Seams

extension BrokerBehaviour {
  /// Consumers, acknowledgements and redelivery.
  static let consuming: [BrokerBehaviour] = [
    BrokerBehaviour("prefetch holds deliveries back until some are acknowledged") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, _ in
        try await bench.fill(queue, "1", "2", "3", "4", "5", on: channel)
        let deliveries = try await channel.consume(queue.name, prefetch: 2, isExclusive: false, deadline: bench.soon)
        var iterator = deliveries.makeAsyncIterator()
        var seen: [BrokerDelivery] = []
        for _ in 0..<2 { if let next = try await iterator.next() { seen.append(next) } }
        try expectEqual(seen.map(\.message.messageID), ["1", "2"])
        try expectEqual(try await bench.count(queue, channel), 3)
        try channel.acknowledge(seen[1].tag, multiple: true)
        for _ in 0..<2 { if let next = try await iterator.next() { seen.append(next) } }
        try expectEqual(seen.map(\.message.messageID), ["1", "2", "3", "4"])
        try expectEqual(seen.map(\.tag.number), [1, 2, 3, 4])
        try expectEqual(try await bench.count(queue, channel), 1)
      }
    },
    BrokerBehaviour("consumers take turns") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, connection in
        let other = try await connection.openChannel(deadline: bench.soon)
        let first = try await channel.consume(queue.name, prefetch: 10, isExclusive: false, deadline: bench.soon)
        let second = try await other.consume(queue.name, prefetch: 10, isExclusive: false, deadline: bench.soon)
        try await bench.fill(queue, "1", "2", "3", "4", on: channel)
        var found: [[String?]] = []
        for deliveries in [first, second] {
          var iterator = deliveries.makeAsyncIterator()
          let pair = [try await iterator.next()?.message.messageID, try await iterator.next()?.message.messageID]
          found.append(pair)
        }
        try expectEqual(found, [["1", "3"], ["2", "4"]])
      }
    },
    BrokerBehaviour("what goes back takes its old place and is marked") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, connection in
        try await bench.fill(queue, "1", "2", "3", "4", on: channel)
        let other = try await connection.openChannel(deadline: bench.soon)
        var held: [BrokerDelivery] = []
        for _ in 0..<3 { held.append(try await bench.get(queue, other)) }
        try other.reject(held[1].tag, requeue: true)
        // Nobody says when the queue has it back.
        try await bench.sleep(100)
        let again = try await bench.get(queue, channel)
        try expectEqual(again.message.messageID, "2")
        try expectTrue(again.isRedelivered, "it is not marked")
        try channel.reject(again.tag, requeue: true)
        // The others go back with their channel.
        other.close()
        try await bench.sleep(200)
        var order: [String] = []
        for _ in 0..<4 {
          let delivery = try await bench.get(queue, channel)
          order.append("\(delivery.message.messageID ?? "")\(delivery.isRedelivered ? "!" : "")")
        }
        try expectEqual(order, ["1!", "2!", "3!", "4"])
      }
    },
    BrokerBehaviour("an unknown delivery tag closes the channel, and its deliveries come again") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, connection in
        try await bench.fill(queue, "1", on: channel)
        let error = try await bench.refusal(connection) { other in
          let delivery = try await bench.get(queue, other)
          // Who waits learns the reason itself; a call that comes after the end would learn that the channel is closed.
          let deliveries = try await other.consume(queue.name, prefetch: 1, isExclusive: false, deadline: bench.soon)
          try other.acknowledge(BrokerDeliveryTag(delivery.tag.number + 6))
          for try await _ in deliveries {}
        }
        try expectEqual(error.replyCode, .preconditionFailed)
        try expectEqual(error.message, "PRECONDITION_FAILED - unknown delivery tag 7")
        try expectTrue(try await bench.await(queue, channel).isRedelivered, "it is not marked")
      }
    },
    BrokerBehaviour("a cancelled consumer's sequence ends, and what it holds stays with it") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, connection in
        try await bench.fill(queue, "1", on: channel)
        let deliveries = try await channel.consume(queue.name, prefetch: 5, isExclusive: true, deadline: bench.soon)
        let excluded = try await bench.refusal(connection) {
          _ = try await $0.consume(queue.name, prefetch: 5, isExclusive: false, deadline: bench.soon)
        }
        try expectEqual(excluded.message, "ACCESS_REFUSED - queue '\(queue.name)' in vhost '/' in exclusive use")
        try await channel.cancel(deliveries.consumerTag, deadline: bench.soon)
        var seen: [BrokerDelivery] = []
        for try await delivery in deliveries { seen.append(delivery) }
        try expectEqual(seen.map(\.message.messageID), ["1"])
        try expectEqual(try await bench.count(queue, channel), 0)
        try channel.reject(seen[0].tag, requeue: true)
        try expectTrue(try await bench.await(queue, channel).isRedelivered, "it is not marked")
      }
    },
    BrokerBehaviour("a consumer learns that its queue is deleted, or its channel closed") { bench in
      let (queue, other) = (bench.queue("q"), bench.queue("other"))
      try await bench.run(queues: [queue, other]) { channel, connection in
        let own = try await connection.openChannel(deadline: bench.soon)
        let deliveries = try await own.consume(queue.name, prefetch: 1, isExclusive: false, deadline: bench.soon)
        _ = try await channel.deleteQueue(queue.name, ifUnused: false, ifEmpty: false, deadline: bench.soon)
        let ended = try await bench.error("the sequence") { for try await _ in deliveries {} }
        try expectEqual(ended.code, .consumerEnded)
        try expectTrue(own.isOpen, "the channel is closed")
        let more = try await own.consume(other.name, prefetch: 1, isExclusive: false, deadline: bench.soon)
        _ = try? await own.get(bench.name("none"), deadline: bench.soon)
        let broke = try await bench.error("the sequence") { for try await _ in more {} }
        try expectEqual(broke.replyCode, .notFound)
      }
    },
    BrokerBehaviour("an auto-delete queue goes with its last consumer") { bench in
      try await bench.run { channel, connection in
        let queue = BrokerQueue(bench.name("auto"), isDurable: false, isAutoDelete: true)
        _ = try await channel.declareQueue(queue, passive: false, deadline: bench.soon)
        let first = try await channel.consume(queue.name, prefetch: 1, isExclusive: false, deadline: bench.soon)
        let second = try await channel.consume(queue.name, prefetch: 1, isExclusive: false, deadline: bench.soon)
        try await channel.cancel(first.consumerTag, deadline: bench.soon)
        try expectEqual(try await bench.count(queue, channel), 0)
        try await channel.cancel(second.consumerTag, deadline: bench.soon)
        let gone = try await bench.refusal(connection) {
          _ = try await $0.declareQueue(queue, passive: true, deadline: bench.soon)
        }
        try expectEqual(gone.replyCode, .notFound)
      }
    },
    BrokerBehaviour("a closed connection ends everything on it") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, _ in
        let connection = try await bench.connect()
        let own = try await connection.openChannel(deadline: bench.soon)
        let deliveries = try await own.consume(queue.name, prefetch: 1, isExclusive: false, deadline: bench.soon)
        connection.close()
        connection.close()
        let broke = try await bench.error("the sequence") { for try await _ in deliveries {} }
        try expectEqual(broke.code, .closed)
        try expectTrue(!connection.isOpen && !own.isOpen, "something is still open")
        let late = try await bench.error("a new channel") { _ = try await connection.openChannel(deadline: bench.soon) }
        try expectEqual(late.code, .closed)
        try expectEqual(late.disposition, .retryable)
        try expectTrue(channel.isOpen, "another connection was closed too")
      }
    },
  ]

  /// Messages that nobody took.
  static let deadLetters: [BrokerBehaviour] = [
    BrokerBehaviour("refused, expired and surplus messages are dead-lettered with their history") { bench in
      let dead = bench.queue("dead")
      let exchange = BrokerExchange(bench.name("dlx"), .fanout)
      let queue = bench.queue("q") {
        $0.deadLetterExchange = exchange.name
        $0.deadLetterRoutingKey = "died"
        $0.maximumLength = 1
      }
      let binding = BrokerBinding(queue: dead.name, exchange: exchange.name, routingKey: "")
      try await bench.run(queues: [queue, dead], exchanges: [exchange], bindings: [binding]) { channel, _ in
        func expect(_ delivery: BrokerDelivery, _ id: String, _ reason: String, _ expiration: String?) throws {
          try expectEqual(delivery.message.messageID, id)
          try expectEqual([delivery.exchange, delivery.routingKey], [exchange.name, "died"])
          let deaths = delivery.message.deaths
          try expectEqual(deaths.map(\.reason), [reason])
          try expectEqual(deaths.map(\.queue), [queue.name])
          try expectEqual(deaths.map(\.count), [1])
          try expectEqual(deaths.map(\.exchange), [""])
          try expectEqual(deaths.map(\.routingKeys), [[queue.name]])
          try expectEqual(deaths.first?.originalExpiration, expiration)
          try expectTrue(deaths.first?.time ?? 0 > 1_600_000_000, "the time is wrong")
          let headers = delivery.message.headers ?? [:]
          try expectEqual(headers["x-first-death-reason"], .string(reason))
          try expectEqual(headers["x-first-death-queue"], .string(queue.name))
          try expectEqual(headers["x-first-death-exchange"], "")
          try expectEqual(delivery.message.expiration, nil)
        }
        try await bench.fill(queue, "refused", on: channel)
        try channel.reject(try await bench.get(queue, channel).tag, requeue: false)
        try expect(try await bench.await(dead, channel), "refused", "rejected", nil)
        try await bench.fill(queue, "surplus", "kept", on: channel)
        try expect(try await bench.await(dead, channel), "surplus", "maxlen", nil)
        try await channel.purgeQueue(queue.name, deadline: bench.soon)
        let expiring = BrokerPublication(
          exchange: "", routingKey: queue.name, message: bench.message("late", expiration: .milliseconds(30)))
        _ = try await channel.publish(expiring, deadline: bench.soon)
        try expect(try await bench.await(dead, channel), "late", "expired", "30")
      }
    },
    BrokerBehaviour("a retry by expiry comes back with its count, as often as a consumer refuses it") { bench in
      let (work, wait) = ("work", "wait")
      let queue = bench.queue(work) {
        $0.deadLetterExchange = ""
        $0.deadLetterRoutingKey = bench.name(wait)
      }
      let retry = bench.queue(wait) {
        $0.messageTTL = .milliseconds(20)
        $0.deadLetterExchange = ""
        $0.deadLetterRoutingKey = bench.name(work)
      }
      try await bench.run(queues: [queue, retry]) { channel, _ in
        try await bench.fill(queue, "1", on: channel)
        for round in 0..<3 {
          let delivery = try await bench.await(queue, channel)
          let counts = delivery.message.deaths.map { "\($0.reason) \($0.count)" }
          try expectEqual(counts, round == 0 ? [] : ["expired \(round)", "rejected \(round)"])
          try expectTrue(!delivery.isRedelivered, "it is marked as redelivered")
          try channel.reject(delivery.tag, requeue: false)
        }
      }
    },
    BrokerBehaviour("a cycle without a consumer ends") { bench in
      let queue = bench.queue("q") {
        $0.messageTTL = .milliseconds(20)
        $0.deadLetterExchange = ""
      }
      try await bench.run(queues: [queue]) { channel, _ in
        try await bench.fill(queue, "1", on: channel)
        try await bench.sleep(300)
        try expectEqual(try await bench.count(queue, channel), 0)
      }
    },
    BrokerBehaviour("only the head of a queue expires, and what it hid goes with it") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, _ in
        for (id, expiration) in [("1", Duration.seconds(60)), ("2", .milliseconds(10)), ("3", .seconds(60))] {
          _ = try await channel.publish(
            BrokerPublication(
              exchange: "", routingKey: queue.name, message: bench.message(id, expiration: expiration)),
            deadline: bench.soon)
        }
        try await bench.sleep(150)
        try expectEqual(try await bench.count(queue, channel), 3)
        let first = try await bench.get(queue, channel)
        try expectEqual(first.message.messageID, "1")
        try expectEqual(first.remaining, 1)
        try expectEqual(try await bench.get(queue, channel).message.messageID, "3")
      }
    },
  ]
}
