import DequeModule
import NIOCore
import Seams

/// Messages come in, from publishers and as dead letters.
extension VirtualHost {
  /// Takes a message.
  ///
  /// - Throws: ``Refusal``, after which the channel must be closed.
  func publish(_ publication: BrokerPublication, on channel: ChannelLedger, now: Int64) throws(Refusal) {
    let size = publication.message.body.readableBytes
    if size > maximumMessageSize {
      throw .precondition("message size \(size) is larger than configured max size \(maximumMessageSize)")
    }
    let names = try route(publication.exchange, publication.routingKey)
    channel.published += 1
    let number = channel.published
    if names.isEmpty {
      if publication.isMandatory {
        effects.append(.returned(channel: channel.id, .noRoute, "NO_ROUTE", publication))
      }
      effects.append(.confirm(channel: channel.id, number: number, isAck: true))
      return
    }
    let stored = StoredMessage(
      exchange: publication.exchange, routingKey: publication.routingKey, message: publication.message)
    var isRefused = false
    var waitsForDisk = false
    for name in names {
      guard let queue = queues[name] else { continue }
      if !enqueue(stored, queue, now) { isRefused = true }
      if queue.isDurable, publication.message.isPersistent { waitsForDisk = true }
    }
    deliverDead(now: now)
    if isRefused || !waitsForDisk {
      effects.append(.confirm(channel: channel.id, number: number, isAck: !isRefused))
    } else {
      unsyncedConfirms.append((channel.id, number))
    }
  }

  private func route(_ exchange: String, _ key: String) throws(Refusal) -> [String] {
    // The default exchange: every queue is bound to it by its name.
    if exchange.isEmpty { return queues[key] == nil ? [] : [key] }
    guard exchanges[exchange] != nil else { throw .notFound("exchange", exchange) }
    return exchanges[exchange]?.route(key) ?? []
  }

  /// Puts a message into a queue, or into the hands of a consumer who waits.
  ///
  /// - Returns: `false` when the queue is full and refuses it.
  @discardableResult
  private func enqueue(_ stored: StoredMessage, _ queue: ClassicQueue, _ now: Int64) -> Bool {
    guard !queue.refusesMore else { return false }
    defer { touch(queue) }
    let entry = queue.admit(stored, now: now)
    // Whoever has credit has emptied the queue.
    if queue.ready.isEmpty, let consumer = queue.consumers.next() {
      deliver(entry, queue, to: consumer)
      return true
    }
    queue.append(entry)
    dropOverflow(queue, now)
    dropExpired(queue, now)
    return true
  }

  // MARK: - What leaves a queue unread

  func dropOverflow(_ queue: ClassicQueue, _ now: Int64) {
    while let entry = queue.dropOverflow() { bury(entry, queue, .maxlen, now) }
  }

  func dropExpired(_ queue: ClassicQueue, _ now: Int64) {
    while let entry = queue.dropExpired(now: now) { bury(entry, queue, .expired, now) }
  }

  /// Sends a message to the queue's dead-letter exchange, when it has one that exists.
  func bury(_ entry: QueuedMessage, _ queue: ClassicQueue, _ reason: DeathReason, _ now: Int64) {
    guard let exchange = queue.settings.deadLetterExchange else { return }
    let stored = DeadLetter.make(entry.stored, from: queue, reason, to: exchange, time: wallSeconds(now))
    guard let names = try? route(exchange, stored.routingKey) else { return }
    let open = names.filter { !DeadLetter.closesCycle(stored.message, at: $0, reason) }
    if !open.isEmpty { dead.append((stored, open)) }
  }

  /// Brings the dead letters to their queues, and what dies on arrival further on. A full queue that refuses drops them.
  ///
  /// A real broker lets messages that a consumer once rejected circle for ever among full queues: the rejection in their
  /// history keeps it from seeing a cycle. It serves others meanwhile; here nothing else would ever happen again, so
  /// that this is noticed and given up.
  func deliverDead(now: Int64) {
    var brought = 0
    while let (stored, names) = dead.popFirst() {
      brought += 1
      guard brought <= VirtualHost.mostDeadLetters else {
        let queues = Set(stored.message.deaths.map(\.queue)).sorted().joined(separator: ", ")
        circling = "dead letters that go around without end: \(stored.message.messageID ?? "one") among \(queues)"
        return dead.removeAll()
      }
      for name in names {
        if let queue = queues[name] { enqueue(stored, queue, now) }
      }
    }
  }

  /// More than any queue here ever holds, and quickly reached by what circles.
  private static let mostDeadLetters = 100_000
}
