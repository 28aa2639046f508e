/// How a ``GroupCommitter`` works.
package struct GroupCommitOptions: Sendable, Hashable {
  /// The most items in one batch.
  package var maximumBatch: Int
  /// How many batches run at the same time.
  package var lanes: Int
  /// The most items that wait; more are refused at once.
  package var maximumQueued: Int
  /// How often a batch is tried before it is taken apart or given up.
  package var attempts: Int
  /// The wait before the second attempt; it doubles with each, with jitter of half of it.
  package var firstBackoff: Duration
  /// By how much the answer to a passed deadline may come late.
  package var deadlineResolution: Duration

  /// The options; see each.
  package init(
    maximumBatch: Int = 256, lanes: Int = 1, maximumQueued: Int = 10_000, attempts: Int = 5,
    firstBackoff: Duration = .milliseconds(5), deadlineResolution: Duration = .milliseconds(100)
  ) {
    self.maximumBatch = maximumBatch
    self.lanes = lanes
    self.maximumQueued = maximumQueued
    self.attempts = attempts
    self.firstBackoff = firstBackoff
    self.deadlineResolution = deadlineResolution
  }
}
