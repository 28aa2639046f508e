import NIOCore
import Seams

extension BrokerBehaviour {
  /// Exchanges, queues, and what the broker refuses.
  static let declaring: [BrokerBehaviour] = [
    BrokerBehaviour("a declaration that differs is refused with both sides' values") { bench in
      let queue = bench.queue("q") { $0.messageTTL = .seconds(1) }
      let exchange = BrokerExchange(bench.name("x"), .topic)
      try await bench.run(queues: [queue], exchanges: [exchange]) { _, connection in
        func inequivalence(_ changed: BrokerQueue) async throws -> [String] {
          let error = try await bench.refusal(connection) { channel in
            _ = try await channel.declareQueue(changed, passive: false, deadline: bench.soon)
          }
          try expectEqual(error.replyCode, .preconditionFailed)
          try expectEqual(error.disposition, .permanent)
          guard let found = error.inequivalence else { throw ConformanceFailure("no inequivalence: \(error)") }
          try expectEqual(found.subject, "queue '\(queue.name)' in vhost '/'")
          return [found.argument, found.received, found.current]
        }
        var changed = queue
        changed.isDurable = false
        try expectEqual(try await inequivalence(changed), ["durable", "'false'", "'true'"])
        changed = queue
        changed.isAutoDelete = true
        try expectEqual(try await inequivalence(changed), ["auto_delete", "'true'", "'false'"])
        changed = queue
        changed.messageTTL = .seconds(2)
        try expectEqual(try await inequivalence(changed), ["x-message-ttl", "'2000'", "'1000'"])
        changed.messageTTL = nil
        try expectEqual(
          try await inequivalence(changed), ["x-message-ttl", "none", "the value '1000' of type 'long'"])
        changed = queue
        changed.deadLetterExchange = "dlx"
        try expectEqual(
          try await inequivalence(changed), ["x-dead-letter-exchange", "the value 'dlx' of type 'longstr'", "none"])
        let kind = try await bench.refusal(connection) { channel in
          try await channel.declareExchange(
            BrokerExchange(exchange.name, .direct), passive: false, deadline: bench.soon)
        }
        try expectEqual(kind.inequivalence?.argument, "type")
        try expectEqual(kind.inequivalence?.received, "'direct'")
        try expectEqual(kind.inequivalence?.current, "'topic'")
      }
    },
    BrokerBehaviour("arguments that make no sense are refused") { bench in
      try await bench.run { _, connection in
        let cases: [(BrokerTable, String)] = [
          (["x-message-ttl": -1], "invalid arg 'x-message-ttl'"), (["x-expires": 0], "invalid arg 'x-expires'"),
          (["x-max-length": -1], "invalid arg 'x-max-length'"),
          (["x-dead-letter-routing-key": "k"], "invalid arg 'x-dead-letter-routing-key'"),
        ]
        for (arguments, text) in cases {
          let error = try await bench.refusal(connection) { channel in
            _ = try await channel.declareQueue(
              BrokerQueue(bench.name("bad"), arguments: arguments), passive: false, deadline: bench.soon)
          }
          try expectEqual(error.replyCode, .preconditionFailed, text)
          try expectTrue(error.message.contains(text), error.message)
        }
      }
    },
    BrokerBehaviour("what is not there, or not to be touched, is refused with RabbitMQ's codes and texts") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { _, connection in
        let none = bench.name("none")
        func expect(
          _ code: BrokerReplyCode, _ text: String, _ body: (any BrokerChannel) async throws -> Void
        ) async throws {
          let error = try await bench.refusal(connection, body)
          try expectEqual("\(error.replyCode?.number ?? 0) \(error.message)", "\(code) \(text)")
        }
        let noQueue = "NOT_FOUND - no queue '\(none)' in vhost '/'"
        let noExchange = "NOT_FOUND - no exchange '\(none)' in vhost '/'"
        try await expect(.notFound, noQueue) { _ = try await $0.get(none, deadline: bench.soon) }
        try await expect(.notFound, noQueue) { _ = try await $0.purgeQueue(none, deadline: bench.soon) }
        try await expect(.notFound, noQueue) {
          _ = try await $0.consume(none, prefetch: 1, isExclusive: false, deadline: bench.soon)
        }
        try await expect(.notFound, noQueue) {
          _ = try await $0.declareQueue(BrokerQueue(none), passive: true, deadline: bench.soon)
        }
        try await expect(.notFound, noExchange) {
          try await $0.declareExchange(BrokerExchange(none, .topic), passive: true, deadline: bench.soon)
        }
        try await expect(.notFound, noExchange) {
          try await $0.bind(
            BrokerBinding(queue: queue.name, exchange: none, routingKey: ""), deadline: bench.soon)
        }
        try await expect(.notFound, noQueue) {
          try await $0.bind(
            BrokerBinding(queue: none, exchange: "amq.topic", routingKey: ""), deadline: bench.soon)
        }
        try await expect(.accessRefused, "ACCESS_REFUSED - operation not permitted on the default exchange") {
          try await $0.bind(BrokerBinding(queue: queue.name, exchange: "", routingKey: "k"), deadline: bench.soon)
        }
        try await expect(.accessRefused, "ACCESS_REFUSED - queue name 'amq.x' contains reserved prefix 'amq.*'") {
          _ = try await $0.declareQueue(BrokerQueue("amq.x"), passive: false, deadline: bench.soon)
        }
        try await expect(.accessRefused, "ACCESS_REFUSED - exchange name 'amq.x' contains reserved prefix 'amq.*'") {
          try await $0.declareExchange(BrokerExchange("amq.x", .topic), passive: false, deadline: bench.soon)
        }
      }
    },
    BrokerBehaviour("deleting asks whether it may, and forgives what is not there") { bench in
      let queue = bench.queue("q")
      let exchange = BrokerExchange(bench.name("x"), .fanout)
      let binding = BrokerBinding(queue: queue.name, exchange: exchange.name, routingKey: "")
      try await bench.run(queues: [queue], exchanges: [exchange], bindings: [binding]) { channel, connection in
        try await bench.fill(queue, "1", "2", on: channel)
        let full = try await bench.refusal(connection) {
          _ = try await $0.deleteQueue(queue.name, ifUnused: false, ifEmpty: true, deadline: bench.soon)
        }
        try expectEqual(full.message, "PRECONDITION_FAILED - queue '\(queue.name)' in vhost '/' not empty")
        let bound = try await bench.refusal(connection) {
          try await $0.deleteExchange(exchange.name, ifUnused: true, deadline: bench.soon)
        }
        try expectEqual(bound.message, "PRECONDITION_FAILED - exchange '\(exchange.name)' in vhost '/' in use")
        _ = try await channel.consume(queue.name, prefetch: 1, isExclusive: false, deadline: bench.soon)
        let used = try await bench.refusal(connection) {
          _ = try await $0.deleteQueue(queue.name, ifUnused: true, ifEmpty: false, deadline: bench.soon)
        }
        try expectEqual(used.message, "PRECONDITION_FAILED - queue '\(queue.name)' in vhost '/' in use")
        // One is with the consumer.
        let gone = try await channel.deleteQueue(queue.name, ifUnused: false, ifEmpty: false, deadline: bench.soon)
        try expectEqual(gone, 1)
        let none = try await channel.deleteQueue(queue.name, ifUnused: true, ifEmpty: true, deadline: bench.soon)
        try expectEqual(none, 0)
        try await channel.deleteExchange(bench.name("none"), ifUnused: true, deadline: bench.soon)
        try await channel.unbind(binding, deadline: bench.soon)
        try await channel.unbind(
          BrokerBinding(queue: bench.name("none"), exchange: bench.name("none"), routingKey: ""), deadline: bench.soon)
      }
    },
    BrokerBehaviour("an exclusive queue is its connection's alone, and goes with it") { bench in
      try await bench.run { channel, _ in
        let mine = BrokerQueue(bench.name("mine"), isDurable: false, isExclusive: true)
        let owner = try await bench.connect()
        let own = try await owner.openChannel(deadline: bench.soon)
        _ = try await own.declareQueue(mine, passive: false, deadline: bench.soon)
        let other = try await bench.connect()
        defer { other.close() }
        let locked = try await bench.refusal(other) {
          _ = try await $0.declareQueue(mine, passive: true, deadline: bench.soon)
        }
        try expectEqual(locked.replyCode, .resourceLocked)
        try expectEqual(locked.disposition, .retryable)
        try expectTrue(
          locked.message.hasPrefix(
            "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '\(mine.name)' in vhost '/'"),
          locked.message)
        owner.close()
        try await bench.sleep(200)
        let gone = try await bench.refusal(other) {
          _ = try await $0.declareQueue(mine, passive: true, deadline: bench.soon)
        }
        try expectEqual(gone.replyCode, .notFound)
        try expectTrue(channel.isOpen, "the channel is closed")
      }
    },
    BrokerBehaviour("the broker chooses a name, and an unused queue expires") { bench in
      try await bench.run { channel, connection in
        var queue = BrokerQueue("", isDurable: false)
        queue.expires = .milliseconds(300)
        queue.name = try await channel.declareQueue(queue, passive: false, deadline: bench.soon).name
        try expectTrue(queue.name.hasPrefix("amq.gen-"), queue.name)
        try expectEqual(try await bench.count(queue, channel), 0)
        try await bench.sleep(800)
        let gone = try await bench.refusal(connection) {
          _ = try await $0.declareQueue(queue, passive: true, deadline: bench.soon)
        }
        try expectEqual(gone.replyCode, .notFound)
      }
    },
  ]
}
