import DequeModule
import Seams

/// Messages go out, and come back.
extension VirtualHost {
  func deliver(_ entry: QueuedMessage, _ queue: ClassicQueue, to consumer: QueueConsumer) {
    queue.hold(entry)
    let tag = channel(consumer.channel).hold(entry.position, of: queue, for: consumer)
    effects.append(.deliver(channel: consumer.channel, tag: consumer.tag, delivery(tag, entry)))
  }

  private func delivery(_ tag: BrokerDeliveryTag, _ entry: QueuedMessage) -> BrokerDelivery {
    BrokerDelivery(
      tag: tag, exchange: entry.stored.exchange, routingKey: entry.stored.routingKey,
      isRedelivered: entry.wasDelivered, message: entry.stored.message)
  }

  /// Hands out what is ready to whoever has credit.
  func run(_ queue: ClassicQueue, _ now: Int64) {
    while !queue.ready.isEmpty, let consumer = queue.consumers.next() {
      guard let entry = queue.takeFirst() else { return }
      deliver(entry, queue, to: consumer)
      // What the head had hidden.
      dropExpired(queue, now)
    }
    touch(queue)
  }

  func consume(
    _ name: String, _ consumer: QueueConsumer, for connection: Int, now: Int64
  ) throws(Refusal) {
    let queue = try queue(name, for: connection)
    let isTaken = queue.consumers.all.contains(where: \.isExclusive)
    if isTaken || (consumer.isExclusive && !queue.consumers.isEmpty) {
      throw .accessRefused("queue '\(name)' in vhost '/' in exclusive use")
    }
    queue.consumers.add(consumer)
    queue.hadConsumers = true
    channel(consumer.channel).consumers[consumer.tag] = queue
    run(queue, now)
  }

  func cancel(_ tag: String, _ channel: ChannelLedger, now: Int64) {
    guard let queue = channel.consumers.removeValue(forKey: tag) else { return }
    _ = queue.consumers.remove { $0.channel == channel.id && $0.tag == tag }
    lostConsumer(queue, now)
  }

  /// A consumer has gone: an auto-delete queue goes with its last one.
  ///
  /// - Returns: whether the queue is still there.
  @discardableResult
  private func lostConsumer(_ queue: ClassicQueue, _ now: Int64) -> Bool {
    guard !queue.isDeleted else { return false }
    if queue.isAutoDelete, queue.hadConsumers, queue.consumers.isEmpty {
      remove(queue)
      return false
    }
    used(queue, now)
    return true
  }

  func get(_ name: String, _ channel: ChannelLedger, now: Int64) throws(Refusal) -> BrokerDelivery? {
    let queue = try queue(name, for: channel.connection)
    used(queue, now)
    guard let entry = queue.takeFirst() else { return nil }
    queue.hold(entry)
    // What the head had hidden.
    dropExpired(queue, now)
    var delivery = delivery(channel.hold(entry.position, of: queue, for: nil), entry)
    delivery.remaining = queue.ready.count
    return delivery
  }

  // MARK: - Settling

  func acknowledge(_ tag: UInt64, multiple: Bool, on channel: ChannelLedger, now: Int64) throws(Refusal) {
    for (queue, held) in grouped(try channel.take(tag, multiple: multiple)) {
      for entry in held { _ = queue.settle(entry.position) }
      if restoreCredit(held, queue, channel) { run(queue, now) }
      touch(queue)
    }
    deliverDead(now: now)
  }

  func reject(_ tag: UInt64, multiple: Bool, requeue: Bool, on channel: ChannelLedger, now: Int64) throws(Refusal) {
    for (queue, held) in grouped(try channel.take(tag, multiple: multiple)) {
      let isRestored = restoreCredit(held, queue, channel)
      if requeue {
        self.requeue(held.map(\.position), queue, now)
      } else {
        for entry in held {
          if let dropped = queue.settle(entry.position) { bury(dropped, queue, .rejected, now) }
        }
        if isRestored { run(queue, now) }
      }
      touch(queue)
    }
    deliverDead(now: now)
  }

  private func requeue(_ positions: [UInt64], _ queue: ClassicQueue, _ now: Int64) {
    queue.requeue(positions)
    dropOverflow(queue, now)
    dropExpired(queue, now)
    run(queue, now)
  }

  /// By queue and consumer, in the order in which RabbitMQ goes through them: of the queues' names, and of the consumers'
  /// tags, what was got without one first. Queues that are gone are left out.
  private func grouped(_ held: [ChannelLedger.Held]) -> [(ClassicQueue, [ChannelLedger.Held])] {
    var groups: [(queue: ClassicQueue, held: [ChannelLedger.Held])] = []
    for entry in held where !entry.queue.isDeleted {
      let index = groups.firstIndex { $0.queue === entry.queue && $0.held[0].consumer?.tag == entry.consumer?.tag }
      if let index { groups[index].held.append(entry) } else { groups.append((entry.queue, [entry])) }
    }
    groups.sort { left, right in
      (left.queue.name, left.held[0].consumer?.tag ?? "") < (right.queue.name, right.held[0].consumer?.tag ?? "")
    }
    return groups
  }

  private func restoreCredit(
    _ held: [ChannelLedger.Held], _ queue: ClassicQueue, _ channel: ChannelLedger
  ) -> Bool {
    for entry in held { entry.consumer?.credit += 1 }
    return queue.consumers.restore(channel.id)
  }

  // MARK: - The end of channels and connections

  /// A channel is gone: its consumers with it, and what it held goes back to its place.
  func close(_ channel: ChannelLedger, now: Int64) {
    channels[channel.id] = nil
    let held = channel.takeAll()
    for name in queueNames {
      guard let queue = queues[name] else { continue }
      let positions = held.filter { $0.queue === queue }.map(\.position)
      let hadConsumers = queue.consumers.remove { $0.channel == channel.id }
      guard hadConsumers || !positions.isEmpty else { continue }
      if hadConsumers, !lostConsumer(queue, now) { continue }
      requeue(positions, queue, now)
    }
    deliverDead(now: now)
  }

  /// A connection is gone: its channels, then its exclusive queues.
  func closeConnection(_ connection: Int, now: Int64) {
    for id in channels.keys.sorted() {
      if let channel = channels[id], channel.connection == connection { close(channel, now: now) }
    }
    for name in queueNames {
      if let queue = queues[name], queue.owner == connection { remove(queue) }
    }
  }

  // MARK: - The disk

  /// Everything so far is on disk: the confirms that waited for it go out.
  func sync() {
    for queue in dirty {
      queue.isDirty = false
      queue.sync()
    }
    dirty.removeAll(keepingCapacity: true)
    for (channel, number) in unsyncedConfirms where channels[channel] != nil {
      effects.append(.confirm(channel: channel, number: number, isAck: true))
    }
    unsyncedConfirms.removeAll(keepingCapacity: true)
  }

  /// The broker dies: what is not durable, or not yet on disk, is gone.
  func crash(now: Int64) {
    channels = [:]
    effects = []
    touched = []
    dirty = []
    unsyncedConfirms = []
    dead = []
    for name in queueNames {
      guard let queue = queues[name] else { continue }
      if queue.isDurable, queue.owner == nil {
        queue.recover(now: now)
        continue
      }
      queue.isDeleted = true
      queues[name] = nil
      for exchange in exchanges.keys { exchanges[exchange]?.unbind { $0.queue == name } }
    }
    queueNames.removeAll { queues[$0] == nil }
    for name in exchanges.keys.sorted() where exchanges[name]?.isDurable == false { exchanges[name] = nil }
  }
}
