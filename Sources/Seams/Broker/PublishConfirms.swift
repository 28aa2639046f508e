/// The messages of one channel that wait for the broker's word: which call each belongs to, and what became of it.
///
/// A value type that returns what is finished; the drivers feed it frames. The broker numbers what is published on a
/// channel from 1 and confirms by number, one or all up to it, in any order.
package struct PublishConfirms: Sendable {
  /// Names one call of `publish`.
  package typealias Batch = Int

  /// A call of which every message has its outcome.
  package struct Finished: Sendable {
    /// The batch that is complete.
    package var batch: Batch
    /// What became of each of its messages, in the order in which they were sent.
    package var outcomes: [BrokerPublishOutcome]
  }

  private struct Open {
    var batch: Batch
    var index: Int
    /// Kept only of mandatory messages: a return names no number.
    var publication: BrokerPublication?
    var returned: BrokerPublishOutcome?
  }

  private struct Waiting {
    var outcomes: [BrokerPublishOutcome?]
    var open: Int
  }

  private var open: [UInt64: Open] = [:]
  private var batches: [Batch: Waiting] = [:]
  /// Every number below is settled.
  private var lowest: UInt64 = 1
  /// The number that the next message gets.
  package private(set) var next: UInt64 = 1
  private var nextBatch = 1

  /// A channel on which nothing was published.
  package init() {}

  /// Whether no message waits.
  package var isEmpty: Bool { open.isEmpty }

  /// Begins a call of `count` messages.
  package mutating func begin(_ count: Int) -> Batch {
    defer { nextBatch += 1 }
    batches[nextBatch] = Waiting(outcomes: Array(repeating: nil, count: count), open: count)
    return nextBatch
  }

  /// Numbers the message `index` of `batch`, which goes out now.
  @discardableResult
  package mutating func add(_ publication: BrokerPublication, _ index: Int, of batch: Batch) -> UInt64 {
    defer { next += 1 }
    open[next] = Open(batch: batch, index: index, publication: publication.isMandatory ? publication : nil)
    return next
  }

  /// The broker confirms number `tag`, or with `multiple` all up to it (0: all).
  package mutating func take(tag: UInt64, multiple: Bool, isAck: Bool) -> [Finished] {
    guard multiple else { return settle(tag, isAck).map { [$0] } ?? [] }
    let last = tag == 0 ? next - 1 : min(tag, next - 1)
    guard lowest <= last else { return [] }
    return (lowest...last).compactMap { settle($0, isAck) }
  }

  /// The broker returns a message, before it confirms it. It is the oldest that looks like it: of two that are alike in
  /// everything it makes no difference.
  package mutating func take(
    returned message: BrokerMessage, exchange: String, routingKey: String, _ code: BrokerReplyCode, _ text: String
  ) {
    var number = lowest
    while number < next {
      if let entry = open[number], entry.returned == nil, let mine = entry.publication, mine.exchange == exchange,
        mine.routingKey == routingKey, mine.message.messageID == message.messageID,
        mine.message.correlationID == message.correlationID, mine.message.body == message.body
      {
        open[number]?.returned = .returned(code, text)
        return
      }
      number += 1
    }
  }

  /// Gives `batch` up: what is not settled failed with `error`.
  ///
  /// - Returns: the outcomes; `nil` when the batch has been finished before.
  package mutating func abandon(_ batch: Batch, _ error: BrokerError) -> [BrokerPublishOutcome]? {
    guard let waiting = batches.removeValue(forKey: batch) else { return nil }
    return waiting.outcomes.map { $0 ?? .failed(error) }
  }

  /// The channel is gone: what is not settled failed for `reason`, and may have arrived.
  ///
  /// Unless it is certain that the broker closed the channel because of the one message that was under way: no request was
  /// that could be to blame, and the text speaks of no acknowledgement.
  package mutating func failAll(_ reason: BrokerError, requestsUnderWay: Bool) -> [Finished] {
    var error = reason
    error.inequivalence = nil
    let isToBlame =
      reason.code == .refused && open.count == 1 && !requestsUnderWay
      && !reason.message.contains("unknown delivery tag")
    error.mayHaveTakenEffect = !isToBlame
    open.removeAll()
    lowest = next
    let left = batches.keys.sorted()
    return left.compactMap { batch in abandon(batch, error).map { Finished(batch: batch, outcomes: $0) } }
  }

  private mutating func settle(_ number: UInt64, _ isAck: Bool) -> Finished? {
    guard let entry = open.removeValue(forKey: number) else { return nil }
    while lowest < next, open[lowest] == nil { lowest += 1 }
    guard var waiting = batches[entry.batch] else { return nil }
    waiting.outcomes[entry.index] = entry.returned ?? (isAck ? .confirmed : .nacked)
    waiting.open -= 1
    guard waiting.open == 0 else {
      batches[entry.batch] = waiting
      return nil
    }
    batches[entry.batch] = nil
    return Finished(batch: entry.batch, outcomes: waiting.outcomes.compactMap(\.self))
  }
}
