package import Seams
internal import Synchronization

/// Publishes batches with confirms on one channel that it keeps, and opens again when it broke.
///
/// One call at a time keeps the order of what is published; calls at the same time may mix.
package final class ConfirmingPublisher: Sendable {
  private let session: BrokerSession
  private let chunk: Int
  private let channel = Mutex<(any BrokerChannel)?>(nil)

  /// A publisher over `session`.
  ///
  /// - Parameter chunk: how many messages go out before their confirms are waited for.
  package init(session: BrokerSession, chunk: Int = 256) {
    precondition(chunk > 0, "a chunk of no message")
    self.session = session
    self.chunk = chunk
  }

  /// Publishes messages in their order.
  ///
  /// A message that the broker refuses by closing the channel (404, 406: no such exchange, too large), or that cannot be
  /// sent at all, takes the others of its chunk down with it. Those are then published again one by one, so that the one that is to blame gets the
  /// broker's reason, with ``FailureDisposition/permanent``, and the others their confirms. So a message may arrive twice
  /// (at least once is what a publisher can promise), and later messages never before earlier ones of the same call.
  ///
  /// - Returns: one outcome for each message. Once one failed for want of a connection those after it have not been
  ///   sent and failed likewise.
  /// - Throws: `CancellationError`.
  package func publish(
    _ publications: [BrokerPublication], deadline: MonotonicInstant
  ) async throws -> [BrokerPublishOutcome] {
    var outcomes: [BrokerPublishOutcome] = []
    outcomes.reserveCapacity(publications.count)
    while outcomes.count < publications.count {
      let part = Array(publications[outcomes.count...].prefix(chunk))
      var results = try await send(part, deadline)
      if part.count > 1, results.contains(where: ConfirmingPublisher.isRefused) {
        for index in part.indices where ConfirmingPublisher.isRefused(results[index]) {
          results[index] = try await send([part[index]], deadline)[0]
        }
      }
      outcomes += results
      guard let error = results.lazy.compactMap(ConfirmingPublisher.lostConnection).first else { continue }
      var unsent = error
      unsent.mayHaveTakenEffect = false
      outcomes += publications[outcomes.count...].map { _ in .failed(unsent) }
    }
    return outcomes
  }

  /// Opens the channel, if it is not open: whoever holds something else meanwhile learns first whether there is a broker.
  ///
  /// - Throws: ``BrokerError``; `CancellationError`.
  package func open(deadline: MonotonicInstant) async throws { _ = try await openChannel(deadline) }

  /// Gives the channel back.
  package func close() {
    channel.withLock { channel -> (any BrokerChannel)? in
      defer { channel = nil }
      return channel
    }?.close()
  }

  private static func isRefused(_ outcome: BrokerPublishOutcome) -> Bool {
    guard case .failed(let error) = outcome else { return false }
    return error.code == .refused || error.code == .invalidArgument
  }

  private static func lostConnection(_ outcome: BrokerPublishOutcome) -> BrokerError? {
    if case .failed(let error) = outcome, error.code != .refused, error.code != .invalidArgument { error } else { nil }
  }

  private func send(
    _ publications: [BrokerPublication], _ deadline: MonotonicInstant
  ) async throws -> [BrokerPublishOutcome] {
    var hasTriedAgain = false
    while true {
      do {
        return try await openChannel(deadline).publish(publications, deadline: deadline)
      } catch let error as BrokerError {
        // Nothing was sent. A kept channel may have died unnoticed: once more on a new one.
        if error.code == .closed, !hasTriedAgain {
          hasTriedAgain = true
          continue
        }
        return publications.map { _ in .failed(error) }
      }
    }
  }

  private func openChannel(_ deadline: MonotonicInstant) async throws -> any BrokerChannel {
    if let kept = channel.withLock({ $0 }), kept.isOpen { return kept }
    let opened = try await session.channel(deadline: deadline)
    let (used, spare) = channel.withLock { channel -> (any BrokerChannel, (any BrokerChannel)?) in
      // Another call was faster.
      if let kept = channel, kept.isOpen { return (kept, opened) }
      channel = opened
      return (opened, nil)
    }
    spare?.close()
    return used
  }
}
