package import Logging
package import Seams

/// What a service gets from outside that is not a peer: time, randomness and where its log goes.
package struct ServiceEnvironment: Sendable {
  /// Elapsed time: deadlines, back-off, durations.
  package var clock: any MonotonicClock
  /// Civil time: what is written into rows and answers.
  package var wallClock: any WallClock
  /// Ids and jitter.
  package var entropy: any EntropySource
  /// The service's logger.
  package var logger: Logger

  /// An environment of the given sources.
  package init(
    clock: any MonotonicClock, wallClock: any WallClock, entropy: any EntropySource, logger: Logger
  ) {
    self.clock = clock
    self.wallClock = wallClock
    self.entropy = entropy
    self.logger = logger
  }
}
