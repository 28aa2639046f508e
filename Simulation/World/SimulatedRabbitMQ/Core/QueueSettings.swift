import Seams

/// What a queue's arguments say, in nanoseconds and typed.
struct QueueSettings: Hashable {
  private(set) var messageTTL: Int64?
  private(set) var expires: Int64?
  private(set) var maximumLength: Int?
  private(set) var overflow = BrokerQueue.Overflow.dropHead
  private(set) var deadLetterExchange: String?
  private(set) var deadLetterRoutingKey: String?

  /// The arguments that are known, in the order in which RabbitMQ compares them.
  private static let known = [
    "x-expires", "x-message-ttl", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-length", "x-overflow",
    "x-queue-type",
  ]

  /// Reads the arguments of a declaration.
  ///
  /// - Throws: ``Refusal`` of a value that the broker does not take; ``Unsupported`` of an argument that the double does
  ///   not have.
  init(_ queue: BrokerQueue) throws {
    for entry in queue.arguments.entries {
      switch (entry.name, entry.value) {
      case ("x-message-ttl", .int(let value)):
        try QueueSettings.check(value, atLeast: 0, entry.name, queue)
        messageTTL = value * 1_000_000
      case ("x-expires", .int(let value)):
        try QueueSettings.check(value, atLeast: 1, entry.name, queue)
        expires = value * 1_000_000
      case ("x-max-length", .int(let value)):
        try QueueSettings.check(value, atLeast: 0, entry.name, queue)
        maximumLength = Int(value)
      case ("x-overflow", .string(let value)):
        guard let overflow = BrokerQueue.Overflow(rawValue: value) else {
          throw Unsupported(description: "x-overflow \(value)")
        }
        self.overflow = overflow
      case ("x-dead-letter-exchange", .string(let value)): deadLetterExchange = value
      case ("x-dead-letter-routing-key", .string(let value)): deadLetterRoutingKey = value
      case ("x-queue-type", .string("classic")): break
      default:
        throw Unsupported(description: "the queue argument \(entry.name) with the value \(entry.value)")
      }
    }
    if deadLetterRoutingKey != nil, deadLetterExchange == nil {
      throw Refusal.precondition(
        "invalid arg 'x-dead-letter-routing-key' for queue '\(queue.name)' in vhost '/': "
          + "routing_key_but_no_dlx_defined")
    }
  }

  private static func check(
    _ value: Int64, atLeast least: Int64, _ name: String, _ queue: BrokerQueue
  ) throws(Refusal) {
    guard value < least else { return }
    let why = value == 0 ? "{value_zero,0}" : "{value_negative,\(value)}"
    throw .precondition("invalid arg '\(name)' for queue '\(queue.name)' in vhost '/': \(why)")
  }

  /// Whether the arguments of a new declaration are those of the queue.
  static func assertEquivalent(_ received: BrokerQueue, _ current: BrokerTable) throws(Refusal) {
    for name in known where received.arguments[name] != current[name] {
      let (mine, theirs) = (received.arguments[name], current[name])
      let areBothThere = mine != nil && theirs != nil
      throw .inequivalent(
        name, "queue '\(received.name)'", received: text(mine, withType: !areBothThere),
        current: text(theirs, withType: !areBothThere))
    }
  }

  private static func text(_ value: BrokerValue?, withType: Bool) -> String {
    let (text, type): (String, String) =
      switch value {
      case .int(let number)?: ("'\(number)'", "long")
      case .string(let text)?: ("'\(text)'", "longstr")
      case let other?: ("'\(other)'", "another")
      case nil: ("none", "")
      }
    return withType && value != nil ? "the value \(text) of type '\(type)'" : text
  }
}
