import Seams

/// An exchange with its bindings.
struct Exchange {
  struct Binding: Hashable {
    var queue: String
    var key: String
  }

  let name: String
  let kind: BrokerExchange.Kind
  let isDurable: Bool
  private(set) var bindings: [Binding] = []
  private var patterns: [TopicPattern] = []
  /// What was routed before, until a binding changes.
  private var known: [String: [String]] = [:]

  init(name: String, kind: BrokerExchange.Kind, isDurable: Bool) {
    self.name = name
    self.kind = kind
    self.isDurable = isDurable
  }

  mutating func bind(_ binding: Binding) {
    guard !bindings.contains(binding) else { return }
    bindings.append(binding)
    patterns.append(TopicPattern(binding.key))
    known = [:]
  }

  mutating func unbind(where isMeant: (Binding) -> Bool) {
    for index in bindings.indices.reversed() where isMeant(bindings[index]) {
      bindings.remove(at: index)
      patterns.remove(at: index)
    }
    known = [:]
  }

  /// The queues that get a message under `key`, each once, in the order of their bindings.
  mutating func route(_ key: String) -> [String] {
    if let known = known[key] { return known }
    var queues: [String] = []
    for (index, binding) in bindings.enumerated() where !queues.contains(binding.queue) {
      let takes =
        switch kind {
        case .direct: binding.key == key
        case .fanout: true
        case .topic: patterns[index].matches(key)
        }
      if takes { queues.append(binding.queue) }
    }
    // Keys come from programs, which have few; a load of random ones must not fill the memory.
    if known.count > 4096 { known = [:] }
    known[key] = queues
    return queues
  }

  /// Whether a declaration is the same; the broker names the first difference.
  func assertEquivalent(_ declared: BrokerExchange) throws(Refusal) {
    func same(_ argument: String, _ received: String, _ current: String) throws(Refusal) {
      guard received != current else { return }
      throw .inequivalent(argument, "exchange '\(name)'", received: "'\(received)'", current: "'\(current)'")
    }
    try same("type", declared.kind.rawValue, kind.rawValue)
    try same("durable", "\(declared.isDurable)", "\(isDurable)")
  }
}
