import NIOCore
import Seams

/// A message of a step; its number is its id.
struct StepMessage: Sendable, Hashable, CustomStringConvertible {
  var number: Int
  var exchange: String
  var routingKey: String
  var isPersistent: Bool
  var isMandatory: Bool
  /// Milliseconds.
  var expiration: Int?

  var description: String {
    "m\(number) to '\(exchange)' under '\(routingKey)'\(isPersistent ? "" : " transient")"
      + "\(isMandatory ? " mandatory" : "")\(expiration.map { " for \($0) ms" } ?? "")"
  }
}

/// One thing that one channel does. Names are without the run's prefix.
enum BrokerStep: Sendable, CustomStringConvertible {
  case publish(Int, [StepMessage])
  case get(Int, String)
  case consume(Int, String, prefetch: Int, isExclusive: Bool)
  /// The n-th consumer that the channel started.
  case cancel(Int, consumer: Int)
  case acknowledge(Int, UInt64, multiple: Bool)
  case reject(Int, UInt64, multiple: Bool, requeue: Bool)
  case declareQueue(Int, BrokerQueue, passive: Bool)
  case declareExchange(Int, BrokerExchange)
  case purge(Int, String)
  case delete(Int, String, ifUnused: Bool, ifEmpty: Bool)
  case bind(Int, BrokerBinding)
  case unbind(Int, BrokerBinding)
  case close(Int)
  case reopen(Int)
  case wait(milliseconds: Int)

  var description: String {
    switch self {
    case .publish(let channel, let messages):
      "c\(channel) publish " + messages.map(\.description).joined(separator: ", ")
    case .get(let channel, let queue): "c\(channel) get \(queue)"
    case .consume(let channel, let queue, let prefetch, let isExclusive):
      "c\(channel) consume \(queue), prefetch \(prefetch)\(isExclusive ? ", exclusive" : "")"
    case .cancel(let channel, let consumer): "c\(channel) cancel consumer \(consumer)"
    case .acknowledge(let channel, let tag, let multiple): "c\(channel) ack \(tag)\(multiple ? " and before" : "")"
    case .reject(let channel, let tag, let multiple, let requeue):
      "c\(channel) nack \(tag)\(multiple ? " and before" : "")\(requeue ? ", requeue" : "")"
    case .declareQueue(let channel, let queue, let passive):
      "c\(channel) declare \(passive ? "passively " : "")\(queue.name) durable=\(queue.isDurable) \(queue.arguments)"
    case .declareExchange(let channel, let exchange):
      "c\(channel) declare exchange \(exchange.name) \(exchange.kind) durable=\(exchange.isDurable)"
    case .purge(let channel, let queue): "c\(channel) purge \(queue)"
    case .delete(let channel, let queue, let ifUnused, let ifEmpty):
      "c\(channel) delete \(queue)\(ifUnused ? " if unused" : "")\(ifEmpty ? " if empty" : "")"
    case .bind(let channel, let binding):
      "c\(channel) bind \(binding.queue) to \(binding.exchange) under '\(binding.routingKey)'"
    case .unbind(let channel, let binding):
      "c\(channel) unbind \(binding.queue) from \(binding.exchange) under '\(binding.routingKey)'"
    case .close(let channel): "c\(channel) close"
    case .reopen(let channel): "c\(channel) open again"
    case .wait(let milliseconds): "wait \(milliseconds) ms"
    }
  }
}

/// What a step led to, as far as clients can see.
struct BrokerObservation: Sendable, Hashable, CustomStringConvertible {
  var outcome = ""
  /// What arrived at consumers, by channel and consumer.
  var deliveries: [String] = []
  /// How the queues stand.
  var queues: [String] = []
  var openChannels: [Bool] = []

  var description: String {
    "\(outcome); arrived: \(deliveries.joined(separator: ", ")); queues: \(queues.joined(separator: ", ")); "
      + "open: \(openChannels.map { $0 ? "1" : "0" }.joined())"
  }
}

extension BrokerObservation {
  /// Whether several consumers of one channel got something.
  var hasSeveralConsumers: Bool {
    let channels = deliveries.map { $0.prefix { $0 != "/" } }
    return Set(channels).count < channels.count
  }

  var withoutTags: BrokerObservation {
    var copy = self
    copy.deliveries = deliveries.map { $0.replacing(/#[0-9]+/, with: "") }
    return copy
  }
}

/// The steps of a run, when each began and was looked at, and what they led to.
struct BrokerTranscript: Sendable {
  struct Played: Sendable {
    var step: BrokerStep
    var at: Duration
    var lookedAt: Duration
  }

  var topology = BrokerTopology()
  var steps: [Played] = []
  var observations: [BrokerObservation] = []
  /// The step after these left messages that go around among queues without end: the simulated broker gives up.
  var endsInCircle = false

  enum Verdict {
    case same
    /// Two queues had something for one channel at the same time: which came first, and so which tag each delivery got,
    /// is a race on a real broker. So is where messages are that go around without end. What follows would compare
    /// nothing.
    case race(step: Int)
    case different(String)
  }

  /// The first place where the two differ.
  func compare(with other: BrokerTranscript) -> Verdict {
    for index in observations.indices {
      guard index < other.observations.count else {
        return other.endsInCircle ? .race(step: index) : .different("step \(index + 1): the other ended")
      }
      let (mine, theirs) = (observations[index], other.observations[index])
      if mine == theirs { continue }
      if mine.hasSeveralConsumers, mine.withoutTags == theirs.withoutTags { return .race(step: index) }
      return .different("step \(index + 1), \(steps[index].step):\n    \(mine)\n    \(theirs)")
    }
    return .same
  }

  var rendered: String {
    let parts =
      topology.exchanges.map { "  exchange \($0.name) \($0.kind)" }
      + topology.queues.map { "  queue \($0.name) durable=\($0.isDurable) \($0.arguments)" }
      + topology.bindings.map { "  \($0.queue) bound to \($0.exchange) under '\($0.routingKey)'" }
    let played = zip(steps, observations).enumerated().map { index, pair in
      "  \(index + 1). at \(pair.0.at): \(pair.0.step)\n       \(pair.1)"
    }
    return (parts + played).joined(separator: "\n")
  }
}
