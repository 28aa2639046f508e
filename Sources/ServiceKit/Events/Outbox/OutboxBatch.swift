internal import Seams

/// Decides what of a batch may go out now, and notes what became of it. It does no I/O.
///
/// A subject's next event goes out only once the one before it is confirmed or set aside. So the first copies of its
/// events are in order whatever happens: a broker that takes the second of two messages and not the first (basic.nack, a
/// crash) finds only one of them under way.
struct OutboxBatch: Sendable {
  private var waiting: [OutboxRow]
  private var halted: Set<String> = []
  private var isCutOff = false
  /// Where the confirmed ones are.
  private(set) var published: [Int] = []
  /// Those that the broker, or we, will never take, and why.
  private(set) var refused: [(row: OutboxRow, reason: String)] = []
  /// Why others could not be published this time.
  private(set) var failure: BrokerError?

  /// A batch of rows in the order of their positions.
  init(_ rows: [OutboxRow]) { waiting = rows }

  /// The events that may go out together: of each subject the next one. Empty when nothing is left to do.
  mutating func nextWave() -> [OutboxRow] {
    guard !isCutOff else { return [] }
    var subjects = halted
    var (wave, rest): ([OutboxRow], [OutboxRow]) = ([], [])
    for row in waiting {
      if subjects.insert(row.subject).inserted { wave.append(row) } else { rest.append(row) }
    }
    waiting = rest
    return wave
  }

  /// Sets an event aside that cannot be published. Its subject's later events go on.
  mutating func refuse(_ row: OutboxRow, _ reason: String) { refused.append((row, reason)) }

  /// Notes what the broker said of an event.
  mutating func settle(_ row: OutboxRow, _ outcome: BrokerPublishOutcome) {
    switch outcome {
    case .confirmed: published.append(row.position)
    case .returned(let code, let text): refuse(row, "the broker returned it: \(code) \(text)")
    case .failed(let error) where OutboxBatch.isTheEventsFault(error): refuse(row, "the broker refused it: \(error)")
    case .nacked:
      halted.insert(row.subject)
      failure =
        failure ?? BrokerError(.refused, replyCode: .resourceError, message: "the broker did not take an event (nack)")
    case .failed(let error):
      // Channel or connection is gone, or the topology is: nothing more will get through.
      isCutOff = true
      failure = failure ?? error
    }
  }

  /// Whether the event is to blame. A missing exchange (404) or right (403) is the broker's matter: every event would
  /// meet it, and none may be set aside for it.
  private static func isTheEventsFault(_ error: BrokerError) -> Bool {
    guard error.disposition == .permanent else { return false }
    return error.code == .invalidArgument || error.replyCode == .preconditionFailed
      || error.replyCode == .contentTooLarge
  }
}
