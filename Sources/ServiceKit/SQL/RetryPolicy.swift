package import Seams

/// When and how often a transaction is run again.
package struct RetryPolicy: Sendable, Hashable {
  /// How often it may run, the first time included.
  package var attempts: Int
  /// The pause before the second run; it doubles before each one after.
  package var baseBackOff: Duration
  /// The longest pause.
  package var maximumBackOff: Duration
  /// How far a pause may lie from its nominal length, as a fraction of it: rivals must not meet again.
  package var jitter: Double

  /// A policy of the given limits.
  package init(
    attempts: Int = 6, baseBackOff: Duration = .milliseconds(4), maximumBackOff: Duration = .milliseconds(250),
    jitter: Double = 0.5
  ) {
    precondition(attempts > 0, "a policy of no attempt")
    self.attempts = attempts
    self.baseBackOff = baseBackOff
    self.maximumBackOff = maximumBackOff
    self.jitter = jitter
  }

  /// Runs once.
  package static let never = RetryPolicy(attempts: 1)

  /// Whether a transaction that failed with `error` in its run number `attempt` (from 1) may run again.
  ///
  /// Never when it may have taken effect: its caller reads back by key.
  package func allows(_ error: any Error, after attempt: Int) -> Bool {
    guard attempt < attempts, let error = error as? SQLError else { return false }
    // The pool waits until the deadline by itself: nothing is left to try.
    guard error.code != .poolExhausted, error.code != .deadlineExceeded else { return false }
    return error.disposition == .retryable
  }

  /// The pause after run number `attempt` (from 1).
  package func pause(after attempt: Int, entropy: any EntropySource) -> Duration {
    entropy.jittered(min(maximumBackOff, baseBackOff * (1 << min(attempt - 1, 20))), spread: jitter)
  }
}
