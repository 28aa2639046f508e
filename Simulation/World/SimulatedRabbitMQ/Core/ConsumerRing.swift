import DequeModule

/// The consumers of a queue, which take turns as RabbitMQ lets them (`rabbit_queue_consumers`): the first that has credit
/// gets the message and goes to the end; one found without credit stands aside until it has some, and then comes last.
struct ConsumerRing {
  private var active: Deque<QueueConsumer> = []
  private var aside: [QueueConsumer] = []

  var isEmpty: Bool { active.isEmpty && aside.isEmpty }
  var count: Int { active.count + aside.count }
  var all: [QueueConsumer] { Array(active) + aside }

  mutating func add(_ consumer: QueueConsumer) { active.append(consumer) }

  /// Whose turn it is, with one credit taken; `nil` when nobody has any.
  mutating func next() -> QueueConsumer? {
    while let consumer = active.popFirst() {
      guard consumer.credit > 0 else {
        aside.append(consumer)
        continue
      }
      consumer.credit -= 1
      active.append(consumer)
      return consumer
    }
    return nil
  }

  /// Consumers of `channel` got credit: those who stood aside come back.
  ///
  /// - Returns: whether any did.
  mutating func restore(_ channel: Int) -> Bool {
    let back = aside.filter { $0.channel == channel && $0.credit > 0 }
    guard !back.isEmpty else { return false }
    aside.removeAll { $0.channel == channel && $0.credit > 0 }
    active.append(contentsOf: back)
    return true
  }

  /// Removes consumers.
  ///
  /// - Returns: whether there were any.
  mutating func remove(where isMeant: (QueueConsumer) -> Bool) -> Bool {
    let before = count
    active.removeAll(where: isMeant)
    aside.removeAll(where: isMeant)
    return count < before
  }
}
