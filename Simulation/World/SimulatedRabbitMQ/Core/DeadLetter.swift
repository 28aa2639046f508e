import Seams

/// Why a message is dead-lettered.
enum DeathReason: String {
  case expired
  case rejected
  case maxlen
}

/// What happens to a message on its way to the dead letters (`rabbit_dead_letter` of RabbitMQ 3.10).
enum DeadLetter {
  /// The message as it goes to the dead-letter exchange: with its history, without an expiration of its own.
  ///
  /// - Parameter time: seconds since 1970.
  static func make(
    _ stored: StoredMessage, from queue: ClassicQueue, _ reason: DeathReason, to exchange: String, time: Int64
  ) -> StoredMessage {
    var event: BrokerTable = [
      "reason": .string(reason.rawValue), "queue": .string(queue.name), "time": .timestamp(time),
      "exchange": .string(stored.exchange), "routing-keys": .array([.string(stored.routingKey)]), "count": 1,
    ]
    if let expiration = stored.message.expiration {
      event["original-expiration"] = .string(String(expiration.nanosecondsClamped / 1_000_000))
    }
    var message = stored.message
    message.expiration = nil
    message.headers = headers(message.headers ?? [:], with: event)
    return StoredMessage(
      exchange: exchange, routingKey: queue.settings.deadLetterRoutingKey ?? stored.routingKey, message: message)
  }

  /// `x-death` with one more event: an entry for each queue and reason, this one's first.
  private static func headers(_ headers: BrokerTable, with event: BrokerTable) -> BrokerTable {
    var headers = headers
    guard case .array(var deaths)? = headers["x-death"] else {
      headers["x-first-death-reason"] = event["reason"]
      headers["x-first-death-queue"] = event["queue"]
      headers["x-first-death-exchange"] = event["exchange"]
      headers["x-death"] = .array([.table(event)])
      return headers
    }
    // RabbitMQ groups what is there before it adds, and grouping turns the order of several entries around.
    deaths.reverse()
    let index = deaths.firstIndex { death in
      guard case .table(let table) = death else { return false }
      return table["queue"] == event["queue"] && table["reason"] == event["reason"]
    }
    if let index, case .table(var known) = deaths[index] {
      deaths.remove(at: index)
      known["count"] = .int((known["count"]?.int ?? 0) + 1)
      deaths.insert(.table(known), at: 0)
    } else {
      deaths.insert(.table(event), at: 0)
    }
    headers["x-death"] = .array(deaths)
    return headers
  }

  /// Whether bringing the message to `queue` would close a cycle in which no consumer took part: such a message is
  /// dropped there.
  static func closesCycle(_ message: BrokerMessage, at queue: String, _ reason: DeathReason) -> Bool {
    guard reason != .rejected else { return false }
    let deaths = message.deaths
    guard let last = deaths.firstIndex(where: { $0.queue == queue }) else { return false }
    return deaths[...last].allSatisfy { $0.reason != DeathReason.rejected.rawValue }
  }
}
