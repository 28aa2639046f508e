import DequeModule
import Seams

/// A classic queue: what is ready, what is with consumers, what is on disk. It decides nothing that concerns others: the
/// virtual host asks it and passes on what it hands out.
final class ClassicQueue {
  let name: String
  let isDurable: Bool
  let isAutoDelete: Bool
  /// The connection that alone may use it.
  let owner: Int?
  let arguments: BrokerTable
  let settings: QueueSettings
  /// In the order of positions.
  private(set) var ready: Deque<QueuedMessage> = []
  private(set) var unacknowledged: [UInt64: QueuedMessage] = [:]
  var consumers = ConsumerRing()
  var hadConsumers = false
  /// When it was last used, for `x-expires`. Nanoseconds of virtual time.
  var lastUse: Int64
  var isDeleted = false
  /// Whether the virtual host has it on the list of queues whose timers must be looked at.
  var isTouched = false
  /// Whether it is on the list of queues with something to write.
  var isDirty = false
  private var nextPosition: UInt64 = 1
  // What is on disk, and what will be at the next sync.
  private var disk: [UInt64: QueuedMessage] = [:]
  private var writes: [UInt64: QueuedMessage] = [:]
  private var erasures: [UInt64] = []

  init(_ declared: BrokerQueue, settings: QueueSettings, owner: Int?, now: Int64) {
    name = declared.name
    isDurable = declared.isDurable
    isAutoDelete = declared.isAutoDelete
    arguments = declared.arguments
    self.settings = settings
    self.owner = owner
    lastUse = now
  }

  // MARK: - Coming in

  /// Whether one more would be refused (`x-overflow: reject-publish`).
  var refusesMore: Bool {
    guard settings.overflow == .rejectPublish, let limit = settings.maximumLength else { return false }
    return ready.count + 1 > limit
  }

  /// Gives a message its place; it is neither ready nor delivered yet.
  func admit(_ stored: StoredMessage, now: Int64) -> QueuedMessage {
    let own = stored.message.expiration?.nanosecondsClamped
    let ttl = [own, settings.messageTTL].compactMap(\.self).min()
    let entry = QueuedMessage(position: nextPosition, stored: stored, expiry: ttl.map { now + $0 })
    nextPosition += 1
    if isDurable, stored.message.isPersistent { writes[entry.position] = entry }
    return entry
  }

  func append(_ entry: QueuedMessage) { ready.append(entry) }

  /// Puts messages back into their places.
  func requeue(_ positions: [UInt64]) {
    for position in positions {
      guard let entry = unacknowledged.removeValue(forKey: position) else { continue }
      var index = ready.count
      // Most come back to the front.
      if let first = ready.first, position < first.position {
        index = 0
      } else {
        while index > 0, ready[index - 1].position > position { index -= 1 }
      }
      ready.insert(entry, at: index)
    }
  }

  // MARK: - Going out

  /// Takes the first ready message off, to be delivered.
  func takeFirst() -> QueuedMessage? { ready.popFirst() }

  /// Notes that a message is with a consumer.
  func hold(_ entry: QueuedMessage) {
    var entry = entry
    entry.wasDelivered = true
    unacknowledged[entry.position] = entry
  }

  /// The consumer is done with it.
  func settle(_ position: UInt64) -> QueuedMessage? {
    guard let entry = unacknowledged.removeValue(forKey: position) else { return nil }
    forget(entry)
    return entry
  }

  /// Takes the first ready message out for good, when there is one too many.
  func dropOverflow() -> QueuedMessage? {
    guard settings.overflow == .dropHead, let limit = settings.maximumLength, ready.count > limit,
      let first = ready.popFirst()
    else { return nil }
    forget(first)
    return first
  }

  /// Takes the first ready message out for good when it has expired. Only the head is looked at (RabbitMQ manual, "Time
  /// to live": caveats).
  func dropExpired(now: Int64) -> QueuedMessage? {
    guard let expiry = ready.first?.expiry, now >= expiry, let first = ready.popFirst() else { return nil }
    forget(first)
    return first
  }

  func purge() -> Int {
    defer { ready.removeAll() }
    for entry in ready { forget(entry) }
    return ready.count
  }

  /// When something happens by itself: the head expires, or the queue does.
  var nextEvent: Int64? {
    let unused = consumers.isEmpty ? settings.expires.map { lastUse + $0 } : nil
    return [ready.first?.expiry, unused].compactMap(\.self).min()
  }

  // MARK: - The disk

  var hasUnsaved: Bool { !writes.isEmpty || !erasures.isEmpty }

  private func forget(_ entry: QueuedMessage) {
    guard writes.removeValue(forKey: entry.position) == nil, disk[entry.position] != nil else { return }
    erasures.append(entry.position)
  }

  /// Everything so far is on disk.
  func sync() {
    for (position, entry) in writes { disk[position] = entry }
    for position in erasures { disk[position] = nil }
    writes.removeAll(keepingCapacity: true)
    erasures.removeAll(keepingCapacity: true)
  }

  /// What a restart finds: what is on disk, in its order, marked where it was delivered before.
  func recover(now: Int64) {
    var delivered = Set(unacknowledged.keys)
    for entry in ready where entry.wasDelivered { delivered.insert(entry.position) }
    // An acknowledgement that did not reach the disk: the message was delivered.
    delivered.formUnion(erasures)
    ready = Deque(
      disk.values.sorted { $0.position < $1.position }.map { entry in
        var entry = entry
        entry.wasDelivered = delivered.contains(entry.position)
        return entry
      })
    unacknowledged = [:]
    consumers = ConsumerRing()
    writes = [:]
    erasures = []
    lastUse = now
    isTouched = false
    isDirty = false
  }
}
