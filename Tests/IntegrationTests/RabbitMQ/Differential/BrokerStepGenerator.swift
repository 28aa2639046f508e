import Seams

/// Draws a topology and then steps from a seed, one at a time, for the state that the run has reached.
struct BrokerStepGenerator {
  private var random: SplitMix
  let length: Int
  let topology: BrokerTopology
  private var lastMessage = 0

  private static let keys = ["k.1", "k.2", "k", "z.1", "k.1.x", ""]
  private static let patterns = ["#", "k.*", "*.1", "k.#", "*", "#.1.#", "k.1"]
  /// Milliseconds.
  private static let ttl = 300

  init(seed: UInt64) {
    // Mixed first: streams of neighbouring states are the same numbers, one apart.
    var mixer = SplitMix(state: seed)
    var random = SplitMix(state: mixer.next())
    length = 12 + random.below(24)
    topology = BrokerStepGenerator.topology(&random)
    self.random = random
  }

  private static func topology(_ random: inout SplitMix) -> BrokerTopology {
    let deadKind = BrokerExchange.Kind.allCases[random.below(3)]
    let exchanges = [
      BrokerExchange("d", .direct), BrokerExchange("t", .topic), BrokerExchange("f", .fanout, isDurable: false),
      BrokerExchange("x", deadKind),
    ]
    var queues: [BrokerQueue] = []
    for name in ["a", "b", "c"] {
      var queue = BrokerQueue(name, isDurable: random.below(3) > 0)
      if random.below(4) == 0 { queue.messageTTL = .milliseconds(ttl) }
      if random.below(3) == 0 {
        queue.maximumLength = 1 + random.below(3)
        if random.below(2) == 0 { queue.overflow = random.below(2) == 0 ? .dropHead : .rejectPublish }
      }
      // The default exchange with another queue's name, or with this one's: cycles.
      switch random.below(5) {
      case 0, 1: queue.deadLetterExchange = "x"
      case 2:
        queue.deadLetterExchange = ""
        queue.deadLetterRoutingKey = ["a", "b", "c"][random.below(3)]
      case 3:
        queue.deadLetterExchange = "x"
        queue.deadLetterRoutingKey = keys[random.below(5)]
      default: break
      }
      if random.below(8) == 0 { queue.isAutoDelete = true }
      queues.append(queue)
    }
    var bindings = [BrokerBinding(queue: "c", exchange: "x", routingKey: "#")]
    for _ in 0..<(3 + random.below(5)) {
      bindings.append(binding(&random))
    }
    return BrokerTopology(exchanges: exchanges, queues: queues, bindings: bindings)
  }

  private static func binding(_ random: inout SplitMix) -> BrokerBinding {
    let exchange = ["d", "t", "f", "t", "x"][random.below(5)]
    let key = exchange == "d" ? keys[random.below(keys.count)] : patterns[random.below(patterns.count)]
    return BrokerBinding(queue: ["a", "b", "c"][random.below(3)], exchange: exchange, routingKey: key)
  }

  /// The next step for channels that stand as `situation` says.
  mutating func next(_ situation: [(isOpen: Bool, consumers: Int, held: [UInt64])]) -> BrokerStep {
    let client = random.below(situation.count)
    let (isOpen, consumers, held) = situation[client]
    guard isOpen else { return random.below(5) == 0 ? .get(client, queue()) : .reopen(client) }
    switch random.below(100) {
    case ..<32: return .publish(client, batch())
    case ..<44: return .get(client, queue())
    case ..<54: return .consume(client, queue(), prefetch: 1 + random.below(3), isExclusive: random.below(12) == 0)
    case ..<57: return consumers > 0 ? .cancel(client, consumer: random.below(consumers)) : .get(client, queue())
    case ..<70:
      guard !held.isEmpty else { return .get(client, queue()) }
      return .acknowledge(client, tag(held), multiple: random.below(4) == 0)
    case ..<84:
      guard !held.isEmpty else { return .publish(client, [message()]) }
      return .reject(client, tag(held), multiple: random.below(3) == 0, requeue: random.below(2) == 0)
    case ..<87: return .wait(milliseconds: BrokerStepGenerator.ttl + 150)
    case ..<90: return .close(client)
    default: return rare(client)
    }
  }

  private mutating func rare(_ client: Int) -> BrokerStep {
    switch random.below(11) {
    case 0: return .purge(client, queue())
    case 1, 2: return .delete(client, queue(), ifUnused: random.below(3) == 0, ifEmpty: random.below(3) == 0)
    case 3, 4: return .declareQueue(client, topology.queues[random.below(3)], passive: random.below(3) == 0)
    case 5:
      var queue = topology.queues[random.below(3)]
      switch random.below(4) {
      case 0: queue.isDurable.toggle()
      case 1: queue.messageTTL = .milliseconds(1 + random.below(1000))
      case 2: queue.maximumLength = 5
      default: queue.isExclusive = true
      }
      return .declareQueue(client, queue, passive: false)
    case 6:
      let name = ["d", "t", "x", "amq.mine", "amq.direct"][random.below(5)]
      return .declareExchange(client, BrokerExchange(name, .direct, isDurable: random.below(3) > 0))
    case 7, 8: return .bind(client, BrokerStepGenerator.binding(&random))
    case 9: return .unbind(client, topology.bindings[random.below(topology.bindings.count)])
    default: return .acknowledge(client, UInt64(random.below(40)), multiple: random.below(2) == 0)
    }
  }

  /// Several messages only for one queue: queues work at the same time, and which of two hands a dead letter on first
  /// would be a race.
  private mutating func batch() -> [StepMessage] {
    let first = message()
    guard first.exchange.isEmpty || first.exchange == "nowhere", random.below(2) == 0 else { return [first] }
    return [first]
      + (0..<(1 + random.below(3))).map { _ in
        var next = message()
        (next.exchange, next.routingKey) = (first.exchange, first.routingKey)
        return next
      }
  }

  private mutating func message() -> StepMessage {
    lastMessage += 1
    let exchange = ["", "", "d", "t", "t", "f", "x", "nowhere"][random.below(random.below(12) == 0 ? 8 : 7)]
    let key = exchange.isEmpty ? queue() : BrokerStepGenerator.keys[random.below(BrokerStepGenerator.keys.count)]
    return StepMessage(
      number: lastMessage, exchange: exchange, routingKey: key, isPersistent: random.below(2) == 0,
      isMandatory: random.below(3) == 0,
      expiration: random.below(8) == 0 ? (random.below(3) == 0 ? 0 : BrokerStepGenerator.ttl) : nil)
  }

  private mutating func tag(_ held: [UInt64]) -> UInt64 { held[random.below(held.count)] }

  private mutating func queue() -> String { ["a", "a", "b", "c"][random.below(4)] }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
