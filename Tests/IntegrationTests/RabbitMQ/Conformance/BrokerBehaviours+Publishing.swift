import NIOCore
import Seams

extension BrokerBehaviour {
  /// Messages, routing and confirms.
  static let publishing: [BrokerBehaviour] = [
    BrokerBehaviour("a message arrives with its properties and every type of header") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, _ in
        let headers: BrokerTable = [
          "void": .void, "bool": true, "int": .int(-5), "large": .int(.max), "double": .double(1.5),
          "decimal": .decimal(scale: 2, value: 314), "text": "größer", "empty": "", "bytes": .bytes([0, 255]),
          "time": .timestamp(1_700_000_000), "list": .array([1, "two", .array([])]), "nested": .table(["a": 1]),
        ]
        let message = BrokerMessage(
          body: ByteBuffer(bytes: [0, 1, 2, 255]), contentType: "application/cloudevents+json", messageID: "m-1",
          correlationID: "c-1", expiration: .seconds(60), headers: headers)
        let outcome = try await channel.publish(
          BrokerPublication(exchange: "", routingKey: queue.name, message: message), deadline: bench.soon)
        try expectTrue(outcome.isConfirmed, "\(outcome)")
        let delivery = try await bench.get(queue, channel)
        try expectEqual(delivery.message, message)
        try expectEqual(delivery.exchange, "")
        try expectEqual(delivery.routingKey, queue.name)
        try expectTrue(!delivery.isRedelivered, "it is marked as redelivered")
        try expectEqual(delivery.remaining, 0)
      }
    },
    BrokerBehaviour("an empty body and one of many frames arrive whole") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, _ in
        for size in [0, 1, 131_064, 131_065, 1_000_000] {
          var message = BrokerMessage(body: ByteBuffer(repeating: 7, count: size), isPersistent: false)
          message.messageID = "\(size)"
          _ = try await channel.publish(
            BrokerPublication(exchange: "", routingKey: queue.name, message: message), deadline: bench.soon)
          try expectTrue(try await bench.get(queue, channel).message == message, "\(size) bytes differ")
        }
      }
    },
    BrokerBehaviour("a batch tells confirmed, returned and refused messages apart") { bench in
      let full = bench.queue("full") {
        $0.maximumLength = 1
        $0.overflow = .rejectPublish
      }
      try await bench.run(queues: [full]) { channel, _ in
        func publication(_ id: String, _ key: String, _ isMandatory: Bool) -> BrokerPublication {
          BrokerPublication(exchange: "", routingKey: key, message: bench.message(id), isMandatory: isMandatory)
        }
        let outcomes = try await channel.publish(
          [
            publication("1", full.name, true), publication("2", full.name, true),
            publication("3", bench.name("nowhere"), true), publication("4", bench.name("nowhere"), false),
            publication("5", bench.name("nowhere"), true), publication("6", full.name, false),
          ], deadline: bench.soon)
        let found = outcomes.map { outcome in
          switch outcome {
          case .confirmed: "confirmed"
          case .returned(let code, let text): "\(code) \(text)"
          case .nacked: "nacked"
          case .failed(let error): "\(error)"
          }
        }
        try expectEqual(found, ["confirmed", "nacked", "312 NO_ROUTE", "confirmed", "312 NO_ROUTE", "nacked"])
        try expectEqual(try await bench.count(full, channel), 1)
      }
    },
    BrokerBehaviour("exchanges route by key, by pattern and to everybody, each queue once") { bench in
      let (one, two) = (bench.queue("one"), bench.queue("two"))
      let direct = BrokerExchange(bench.name("d"), .direct)
      let topic = BrokerExchange(bench.name("t"), .topic)
      let fanout = BrokerExchange(bench.name("f"), .fanout)
      func binding(_ queue: BrokerQueue, _ exchange: BrokerExchange, _ key: String) -> BrokerBinding {
        BrokerBinding(queue: queue.name, exchange: exchange.name, routingKey: key)
      }
      let bindings = [
        binding(one, direct, "a"), binding(two, direct, "b"), binding(two, direct, "a"),
        binding(one, topic, "inventory.*"), binding(one, topic, "#.reserved"), binding(two, topic, "#"),
        binding(one, fanout, ""), binding(two, fanout, "ignored"),
      ]
      try await bench.run(queues: [one, two], exchanges: [direct, topic, fanout], bindings: bindings) { channel, _ in
        let cases: [(BrokerExchange, String, [Int])] = [
          (direct, "a", [1, 1]), (direct, "b", [0, 1]), (direct, "c", [0, 0]), (topic, "inventory.reserved", [1, 1]),
          (topic, "inventory", [0, 1]), (topic, "x.y.reserved", [1, 1]), (topic, "inventory.a.b", [0, 1]),
          (topic, "", [0, 1]), (fanout, "whatever", [1, 1]),
        ]
        for (exchange, key, expected) in cases {
          _ = try await channel.publish(
            BrokerPublication(exchange: exchange.name, routingKey: key, message: bench.message("m")),
            deadline: bench.soon)
          var found: [Int] = []
          for queue in [one, two] { found.append(try await channel.purgeQueue(queue.name, deadline: bench.soon)) }
          try expectEqual(found, expected, "\(exchange.kind) '\(key)'")
        }
        try await channel.unbind(bindings[2], deadline: bench.soon)
        _ = try await channel.publish(
          BrokerPublication(exchange: direct.name, routingKey: "a", message: bench.message("m")), deadline: bench.soon)
        try expectEqual(try await bench.count(two, channel), 0)
      }
    },
    BrokerBehaviour("a message to an exchange that is not there closes the channel, and says which") { bench in
      let queue = bench.queue("q")
      try await bench.run(queues: [queue]) { channel, connection in
        let lost = try await bench.refusal(connection) { other in
          _ = try await other.publish(
            BrokerPublication(exchange: bench.name("none"), routingKey: "", message: bench.message("1")),
            deadline: bench.soon)
        }
        try expectEqual(lost.replyCode, .notFound)
        try expectEqual(lost.message, "NOT_FOUND - no exchange '\(bench.name("none"))' in vhost '/'")
        try expectEqual(lost.disposition, .permanent)
        // Among others it is not known which: they may have arrived.
        let other = try await connection.openChannel(deadline: bench.soon)
        let outcomes = try await other.publish(
          ["", bench.name("none"), ""].map {
            BrokerPublication(exchange: $0, routingKey: queue.name, message: bench.message("2"))
          }, deadline: bench.soon)
        guard case .failed(let last) = outcomes[2] else { throw ConformanceFailure("\(outcomes)") }
        try expectEqual(last.replyCode, .notFound)
        try expectTrue(channel.isOpen, "another channel was closed too")
        let late = try await bench.error("a call on the closed channel") {
          _ = try await other.get(queue.name, deadline: bench.soon)
        }
        try expectEqual(late.code, .closed)
      }
    },
    BrokerBehaviour("what cannot be sent is refused before anything is sent") { bench in
      try await bench.run { channel, _ in
        let long = String(repeating: "k", count: 256)
        let error = try await bench.error("a key of 256 bytes") {
          _ = try await channel.publish(
            BrokerPublication(exchange: "", routingKey: long, message: bench.message("1")), deadline: bench.soon)
        }
        try expectEqual(error.code, .invalidArgument)
        let prefetch = try await bench.error("a prefetch of 0") {
          _ = try await channel.consume("q", prefetch: 0, isExclusive: false, deadline: bench.soon)
        }
        try expectEqual(prefetch.code, .invalidArgument)
        let past = try await bench.error("a deadline in the past") {
          _ = try await channel.get("q", deadline: bench.clock.now)
        }
        try expectEqual(past.code, .deadlineExceeded)
        try expectTrue(channel.isOpen, "the channel was closed")
      }
    },
  ]
}
