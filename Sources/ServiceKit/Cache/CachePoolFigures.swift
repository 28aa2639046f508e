/// How a pool of cache connections stands and what it has done.
package struct CachePoolFigures: Sendable, Hashable {
  /// The most connections it may have.
  package var size = 0
  /// Connections that take commands.
  package var open = 0
  /// Connections being opened.
  package var connecting = 0
  /// Calls that were sent and are not answered.
  package var inFlight = 0
  /// The most there have been at one time.
  package var inFlightMaximum = 0
  /// Callers that wait for a connection.
  package var waiting = 0
  /// Calls that were sent, those that were sent again included.
  package var calls = 0
  /// Calls that were sent again: lost without effect, or answered by a server that takes no writes.
  package var retries = 0
  /// How often a caller gave up at its deadline without a connection.
  package var timeouts = 0
  /// Connections opened.
  package var connected = 0
  /// Attempts to connect that failed.
  package var connectFailures = 0
  /// Connections closed: broken, left, or found dead by a check.
  package var discarded = 0
  /// How long callers that got a connection waited for it, all together.
  package var waitTotal: Duration = .zero
  /// The longest of these waits.
  package var waitMaximum: Duration = .zero
  /// The share of the calls that the open connections are meant to carry which is under way: over 1 the pool wants to
  /// grow, or has grown to its size.
  package var saturation = 0.0

  package init() {}
}
