/// How a pool stands and what it has done.
package struct SQLPoolFigures: Sendable, Hashable {
  /// The most connections it may have.
  package var size = 0
  /// Open connections that nobody uses.
  package var idle = 0
  /// Connections that are lent out or being checked.
  package var inUse = 0
  /// Connections being opened.
  package var connecting = 0
  /// Callers that wait for a connection.
  package var waiting = 0
  /// How often a connection was lent out.
  package var acquired = 0
  /// How often a caller gave up at its deadline.
  package var timeouts = 0
  /// Connections opened.
  package var connected = 0
  /// Attempts to connect that failed.
  package var connectFailures = 0
  /// Connections closed: broken, left dirty, too old, or found dead by a check.
  package var discarded = 0
  /// How long callers that got a connection waited for it, all together.
  package var waitTotal: Duration = .zero
  /// The longest of these waits.
  package var waitMaximum: Duration = .zero
  /// Transactions that were run again.
  package var retries = 0
  /// Those of them that were the victim of a deadlock (40P01).
  package var deadlockRetries = 0

  /// Figures of a pool that has done nothing.
  package init() {}
}
