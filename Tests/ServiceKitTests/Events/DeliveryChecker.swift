import FoundationEssentials
import Seams
import ServiceKit
import SimulatedRabbitMQ

/// Judges a run at rest by what the database and the broker hold.
struct DeliveryChecker {
  let world: EventWorld

  /// What is wrong with the events' way from the outbox to the log.
  ///
  /// Every committed event was published or set aside, nothing else was, and the first copies of each subject's events
  /// came in the order of their sequence.
  func publishing() throws -> [String] {
    var problems: [String] = []
    var committed: [UUID: Bool] = [:]
    for row in world.rows("outbox") {
      let id: UUID = try row.decode("id")
      let isRefused = row["refused_at"] != .null
      committed[id] = isRefused
      if row["published_at"] == .null, !isRefused { problems.append("\(id) waits in the outbox") }
    }
    var seen: Set<UUID> = []
    var last: [String: Int] = [:]
    for event in try world.logged where seen.insert(event.id).inserted {
      guard committed[event.id] == false else {
        problems.append("\(event.id) was published and is not committed, or set aside")
        continue
      }
      let (subject, sequence) = (event.subject ?? "", event.sequence ?? 0)
      if sequence <= last[subject] ?? 0 {
        problems.append("\(subject): \(sequence) came after \(last[subject] ?? 0)")
      }
      last[subject] = sequence
    }
    for (id, isRefused) in committed where !isRefused && !seen.contains(id) {
      problems.append("\(id) was committed and never published")
    }
    return problems
  }

  /// What is wrong with the effects of `events`: each has exactly one, or, where `dies`, none and a dead letter.
  func effects(of events: Set<UUID>, dies: (UUID) -> Bool = { _ in false }) throws -> [String] {
    var problems: [String] = []
    var effects: [UUID: Int] = [:]
    for row in world.rows("effects") { effects[try row.decode("event_id"), default: 0] += 1 }
    var letters: [UUID: Int] = [:]
    for row in world.rows("dead_letters") { letters[try row.decode("event_id"), default: 0] += 1 }
    var queued: [UUID: Int] = [:]
    for message in world.broker.messages(in: world.queue.deadLetterQueue) {
      queued[try CloudEvent(parsing: message.body).id, default: 0] += 1
    }
    for id in events {
      let isDead = dies(id)
      let (effect, letter, copies) = (effects[id, default: 0], letters[id, default: 0], queued[id, default: 0])
      if effect != (isDead ? 0 : 1) { problems.append("\(id) took effect \(effect) times") }
      if letter != (isDead ? 1 : 0) { problems.append("\(id) has \(letter) letters") }
      if (copies > 0) != isDead { problems.append("\(id) lies \(copies) times in the dlq") }
    }
    for id in effects.keys where !events.contains(id) { problems.append("\(id) took effect and is none of the events") }
    for (name, ready, unacknowledged) in world.broker.queueLengths
    where name != "log" && name != world.queue.deadLetterQueue && ready + unacknowledged > 0 {
      problems.append("\(name) still holds \(ready) and \(unacknowledged)")
    }
    return problems
  }
}
