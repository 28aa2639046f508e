import Seams

/// Exchanges, queues and bindings come and go.
extension VirtualHost {
  func declare(_ declared: BrokerExchange, passive: Bool) throws(Refusal) {
    try refuseDefault(declared.name)
    if passive {
      _ = try exchange(declared.name)
      return
    }
    if let known = exchanges[declared.name] { return try known.assertEquivalent(declared) }
    try refuseReserved("exchange", declared.name)
    exchanges[declared.name] = Exchange(name: declared.name, kind: declared.kind, isDurable: declared.isDurable)
  }

  func deleteExchange(_ name: String, ifUnused: Bool) throws(Refusal) {
    try refuseDefault(name)
    if name.hasPrefix("amq.") {
      throw .accessRefused("deletion of system exchange '\(name)' in vhost '/' not allowed")
    }
    guard let known = exchanges[name] else { return }
    if ifUnused, !known.bindings.isEmpty {
      throw .precondition("exchange '\(name)' in vhost '/' in use")
    }
    exchanges[name] = nil
  }

  func declare(
    _ declared: BrokerQueue, passive: Bool, for connection: Int, now: Int64
  ) throws -> BrokerQueueStatus {
    if passive {
      let known = try queue(declared.name, for: connection)
      used(known, now)
      return status(known)
    }
    var declared = declared
    if declared.name.isEmpty {
      declared.name = generateName()
    } else {
      try refuseReserved("queue", declared.name)
    }
    let settings = try QueueSettings(declared)
    if let known = queues[declared.name] {
      try assertEquivalent(known, declared, connection)
      used(known, now)
      return status(known)
    }
    let created = ClassicQueue(declared, settings: settings, owner: declared.isExclusive ? connection : nil, now: now)
    queues[created.name] = created
    queueNames.append(created.name)
    touch(created)
    return status(created)
  }

  private func assertEquivalent(
    _ known: ClassicQueue, _ declared: BrokerQueue, _ connection: Int
  ) throws(Refusal) {
    guard known.owner == (declared.isExclusive ? connection : nil) else { throw .locked(known.name) }
    func same(_ argument: String, _ received: Bool, _ current: Bool) throws(Refusal) {
      guard received != current else { return }
      throw .inequivalent(argument, "queue '\(known.name)'", received: "'\(received)'", current: "'\(current)'")
    }
    try same("durable", declared.isDurable, known.isDurable)
    try same("auto_delete", declared.isAutoDelete, known.isAutoDelete)
    try QueueSettings.assertEquivalent(declared, known.arguments)
  }

  private func status(_ queue: ClassicQueue) -> BrokerQueueStatus {
    BrokerQueueStatus(name: queue.name, messageCount: queue.ready.count, consumerCount: queue.consumers.count)
  }

  func deleteQueue(
    _ name: String, ifUnused: Bool, ifEmpty: Bool, for connection: Int
  ) throws(Refusal) -> Int {
    guard queues[name] != nil else { return 0 }
    let queue = try queue(name, for: connection)
    if ifEmpty, !queue.ready.isEmpty { throw .precondition("queue '\(name)' in vhost '/' not empty") }
    if ifUnused, !queue.consumers.isEmpty { throw .precondition("queue '\(name)' in vhost '/' in use") }
    defer { remove(queue) }
    return queue.ready.count
  }

  /// Deletes a queue with its messages, which become no dead letters, and ends its consumers.
  func remove(_ queue: ClassicQueue) {
    for consumer in queue.consumers.all {
      channels[consumer.channel]?.consumers[consumer.tag] = nil
      effects.append(.consumerCancelled(channel: consumer.channel, tag: consumer.tag))
    }
    queue.isDeleted = true
    queues[queue.name] = nil
    queueNames.removeAll { $0 == queue.name }
    for name in exchanges.keys { exchanges[name]?.unbind { $0.queue == queue.name } }
    touch(queue)
  }

  func bind(_ binding: BrokerBinding, for connection: Int) throws(Refusal) {
    try refuseDefault(binding.exchange)
    _ = try exchange(binding.exchange)
    _ = try queue(binding.queue, for: connection)
    exchanges[binding.exchange]?.bind(Exchange.Binding(queue: binding.queue, key: binding.routingKey))
  }

  /// Takes a binding back. Nothing need be there.
  func unbind(_ binding: BrokerBinding, for connection: Int) throws(Refusal) {
    try refuseDefault(binding.exchange)
    if queues[binding.queue] != nil { _ = try queue(binding.queue, for: connection) }
    exchanges[binding.exchange]?.unbind { $0.queue == binding.queue && $0.key == binding.routingKey }
  }

  private func refuseDefault(_ name: String) throws(Refusal) {
    if name.isEmpty { throw .accessRefused("operation not permitted on the default exchange") }
  }

  private func refuseReserved(_ kind: String, _ name: String) throws(Refusal) {
    guard name.hasPrefix("amq.") else { return }
    throw .accessRefused("\(kind) name '\(name)' contains reserved prefix 'amq.*'")
  }

  /// Somebody used the queue: its `x-expires` starts anew.
  func used(_ queue: ClassicQueue, _ now: Int64) {
    queue.lastUse = now
    touch(queue)
  }

  /// What happens by itself: the head of a queue expires, or an unused queue does.
  func wake(_ queue: ClassicQueue, now: Int64) {
    guard !queue.isDeleted else { return }
    if queue.consumers.isEmpty, let expires = queue.settings.expires, queue.lastUse + expires <= now {
      return remove(queue)
    }
    dropExpired(queue, now)
    touch(queue)
    deliverDead(now: now)
  }
}
