import NIOCore
import Seams
import Testing

@testable import SimulatedRabbitMQ

@Suite("Topic patterns")
struct TopicPatternTests {
  @Test(arguments: [
    ("a.b", "a.b", true), ("a.b", "a.c", false), ("*", "a", true), ("*", "", false), ("*", "a.b", false),
    ("#", "", true), ("#", "a.b.c", true), ("a.#", "a", true), ("a.#", "a.b.c", true), ("a.#", "b", false),
    ("#.c", "c", true), ("#.c", "a.b.c", true), ("#.c", "a.c.b", false), ("a.*.c", "a.b.c", true),
    ("a.*.c", "a.c", false), ("#.b.#", "a.b.c.b", true), ("#.b.#", "a.c", false), ("*.#", "", false),
    ("*.#", "a", true), ("", "", true), ("", "a", false), ("a..b", "a..b", true), ("a.*.b", "a..b", true),
  ])
  func match(_ pattern: String, _ key: String, _ matches: Bool) {
    #expect(TopicPattern(pattern).matches(key) == matches)
  }
}

@Suite("The broker's logic without a network")
struct LogicTests {
  private let host = VirtualHost(maximumMessageSize: 1000) { $0 / 1_000_000_000 }

  private func channel(_ id: Int, connection: Int = 1) -> ChannelLedger {
    let channel = ChannelLedger(id: id, connection: connection)
    host.channels[id] = channel
    return channel
  }

  private func declare(_ name: String, _ tune: (inout BrokerQueue) -> Void = { _ in }) throws {
    var queue = BrokerQueue(name)
    tune(&queue)
    _ = try host.declare(queue, passive: false, for: 1, now: 0)
  }

  private func publish(_ queue: String, _ ids: String..., on channel: ChannelLedger, now: Int64 = 0) throws {
    for id in ids {
      let message = BrokerMessage(body: ByteBuffer(), messageID: id)
      try host.publish(
        BrokerPublication(exchange: "", routingKey: queue, message: message), on: channel, now: now)
    }
  }

  private func ready(_ queue: String) -> [String] {
    host.queues[queue]?.ready.map { "\($0.stored.message.messageID ?? "")\($0.wasDelivered ? "!" : "")" } ?? []
  }

  private func deliveries() -> [String] {
    defer { host.effects = [] }
    return host.effects.compactMap { effect in
      if case .deliver(let channel, _, let delivery) = effect {
        "\(channel): \(delivery.message.messageID ?? "")#\(delivery.tag)\(delivery.isRedelivered ? "!" : "")"
      } else {
        nil
      }
    }
  }

  @Test func consumersTakeTurnsAndStandAsideWithoutCredit() throws {
    let (one, two) = (channel(1), channel(2))
    try declare("q")
    for id in [1, 2] {
      try host.consume("q", QueueConsumer(tag: "t", channel: id, prefetch: 1, isExclusive: false), for: 1, now: 0)
    }
    try publish("q", "a", "b", "c", "d", on: one)
    #expect(deliveries() == ["1: a#1", "2: b#1"])
    try host.acknowledge(1, multiple: false, on: two, now: 0)
    #expect(deliveries() == ["2: c#2"])
    try host.reject(1, multiple: false, requeue: true, on: one, now: 0)
    #expect(deliveries() == ["1: a#2!"])
    #expect(ready("q") == ["d"])
  }

  @Test func theHeadDecidesWhatExpires() throws {
    let one = channel(1)
    try declare("q") { $0.messageTTL = .milliseconds(10) }
    try publish("q", "a", on: one, now: 0)
    try publish("q", "b", on: one, now: 5_000_000)
    let queue = try #require(host.queues["q"])
    #expect(queue.nextEvent == 10_000_000)
    host.wake(queue, now: 10_000_000)
    #expect(ready("q") == ["b"])
    #expect(queue.nextEvent == 15_000_000)
  }

  @Test func aCrashKeepsWhatIsOnDisk() throws {
    let one = channel(1)
    try declare("q")
    try declare("transient") { $0.isDurable = false }
    try publish("q", "a", "b", "c", on: one)
    host.effects = []
    host.sync()
    let confirms = host.effects.count { if case .confirm(_, _, true) = $0 { true } else { false } }
    #expect(confirms == 3)
    _ = try host.get("q", one, now: 0)
    try publish("q", "unsynced", on: one)
    try host.acknowledge(1, multiple: false, on: one, now: 0)
    host.crash(now: 0)
    // The acknowledgement had not reached the disk: the message comes again, marked.
    #expect(ready("q") == ["a!", "b", "c"])
    #expect(host.queues["transient"] == nil)
    #expect(host.queueNames == ["q"])
  }

  @Test func aFullQueueDropsItsHeadOrRefuses() throws {
    let one = channel(1)
    try declare("dead")
    try declare("q") {
      $0.maximumLength = 1
      $0.deadLetterExchange = ""
      $0.deadLetterRoutingKey = "dead"
    }
    try publish("q", "a", "b", "c", on: one)
    #expect(ready("q") == ["c"])
    #expect(ready("dead") == ["a", "b"])
    try declare("strict") {
      $0.maximumLength = 1
      $0.overflow = .rejectPublish
    }
    host.effects = []
    try publish("strict", "d", "e", on: one)
    #expect(ready("strict") == ["d"])
    guard case .confirm(1, 5, isAck: false)? = host.effects.last else {
      Issue.record("no nack: \(host.effects)")
      return
    }
  }

  @Test func rejectedMessagesThatCircleAmongFullQueuesAreNoticed() throws {
    let one = channel(1)
    for (name, other) in [("a", "b"), ("b", "a")] {
      try declare(name) {
        $0.maximumLength = 1
        $0.deadLetterExchange = ""
        $0.deadLetterRoutingKey = other
      }
    }
    for id in ["1", "2", "3"] {
      try publish("a", id, on: one)
      _ = try host.get("a", one, now: 0)
    }
    try host.reject(2, multiple: true, requeue: false, on: one, now: 0)
    // Two messages in two places.
    #expect(host.circling == nil)
    #expect((ready("a") + ready("b")).sorted() == ["1", "2"])
    try host.reject(3, multiple: false, requeue: false, on: one, now: 0)
    #expect(host.circling?.hasSuffix("among a, b") == true)
  }

  @Test func anUnknownArgumentIsNotGuessedAt() throws {
    #expect(throws: Unsupported.self) { try declare("q") { $0.arguments["x-max-priority"] = 5 } }
    #expect(throws: Refusal.self) { try declare("q") { $0.arguments["x-message-ttl"] = -1 } }
    let one = channel(1)
    let large = BrokerMessage(body: ByteBuffer(repeating: 0, count: 1001))
    #expect(throws: Refusal.precondition("message size 1001 is larger than configured max size 1000")) {
      try host.publish(BrokerPublication(exchange: "", routingKey: "q", message: large), on: one, now: 0)
    }
  }
}
