internal import Logging
package import Seams
internal import Synchronization

extension BrokerSession {
  /// Consumes a queue until the task is cancelled or the session is shut down: after a failure on a new channel, with
  /// the topology declared anew.
  ///
  /// Deliveries are handled one after the other; for more at a time call it several times, each with its own channel.
  /// What was handled and could not be acknowledged comes again, marked as redelivered.
  ///
  /// - Parameters:
  ///   - prefetch: how many deliveries may be under way.
  ///   - handle: acknowledges or refuses the delivery on the channel. A ``BrokerError`` that leaves it starts the
  ///     consumer anew.
  /// - Throws: what else leaves `handle`; `CancellationError`.
  package func consume(
    _ queue: String, prefetch: Int, handle: (BrokerDelivery, any BrokerChannel) async throws -> Void
  ) async throws {
    var failures = 0
    while !state.withLock({ $0.isShutDown }) {
      do {
        try await consumeOnce(queue, prefetch: prefetch, restores: failures > 0) { delivery, channel in
          try await handle(delivery, channel)
          failures = 0
        }
      } catch let error as BrokerError {
        if state.withLock({ $0.isShutDown }) { return }
        failures += 1
        let nominal = min(options.maximumBackOff, options.baseBackOff * (1 << min(failures - 1, 20)))
        environment.logger.warning(
          "consuming was interrupted", metadata: ["queue": .string(queue), "error": .string("\(error)")])
        let pause = environment.entropy.jittered(nominal, spread: options.jitter)
        try await environment.clock.sleep(until: environment.clock.now.advanced(by: pause), tolerance: nil)
      }
    }
  }

  private func consumeOnce(
    _ queue: String, prefetch: Int, restores: Bool,
    handle: (BrokerDelivery, any BrokerChannel) async throws -> Void
  ) async throws {
    if restores { try await restoreTopology(deadline: environment.clock.now.advanced(by: options.requestTimeout)) }
    let limit = environment.clock.now.advanced(by: options.requestTimeout)
    let channel = try await channel(deadline: limit)
    defer { channel.close() }
    let deliveries = try await channel.consume(queue, prefetch: prefetch, isExclusive: false, deadline: limit)
    for try await delivery in deliveries { try await handle(delivery, channel) }
  }
}
