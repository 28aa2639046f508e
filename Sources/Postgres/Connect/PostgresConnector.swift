public import Logging
package import Reactor
public import Seams

/// Opens connections to PostgreSQL through libpq.
///
/// Opening one takes a helper thread for as long as it lasts, because name resolution blocks and libpq reads
/// certificate and password files; signing in itself is non-blocking and ends at the deadline. All connections of a
/// connector share one reactor thread.
public struct PostgresConnector: SQLConnector {
  let configuration: PostgresConfiguration
  let clock: any MonotonicClock
  let logger: Logger
  let reactor: Reactor

  /// A connector to the database that `url` names: see ``PostgresConfiguration``.
  ///
  /// - Throws: ``SQLError`` with ``SQLError/Code/connectFailed`` when the URL is wrong.
  public init(url: String, clock: any MonotonicClock, logger: Logger) throws {
    self.init(configuration: try PostgresConfiguration(url: url), clock: clock, logger: logger)
  }

  /// A connector to the database that `configuration` names. It starts the reactor's thread, which lives as long as the
  /// program: make one connector for each database, not one for each connection.
  ///
  /// - Parameters:
  ///   - clock: the clock of every deadline.
  ///   - logger: where notices of the server go, at level debug.
  public init(configuration: PostgresConfiguration, clock: any MonotonicClock, logger: Logger) {
    self.init(configuration: configuration, clock: clock, logger: logger, reactor: Reactor())
  }

  /// A connector that shares `reactor` with others.
  package init(configuration: PostgresConfiguration, clock: any MonotonicClock, logger: Logger, reactor: Reactor) {
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
    self.reactor = reactor
  }

  public func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    try await open(deadline: deadline)
  }

  /// Opens a connection, with its own type.
  package func open(deadline: MonotonicInstant) async throws -> PostgresConnection {
    try Task.checkCancellation()
    let left = deadline == .distantFuture ? Int64.max : deadline.nanoseconds &- clock.now.nanoseconds
    guard left > 0 else {
      throw SQLError(.connectFailed, message: "cannot connect to \(configuration): the deadline had passed")
    }
    return try await HelperCall.run(
      reactor: reactor, deadline: left == .max ? .max : Reactor.now &+ left,
      exhausted: failed("the system has no thread left"), expired: { failed("no answer before the deadline") },
      discard: { $0.close() }, { ConnectAttempt(connector: self, call: $0).run() })
  }

  func failed(_ why: String, _ state: SQLState? = nil) -> SQLError {
    SQLError(.connectFailed, sqlState: state, message: "cannot connect to \(configuration): \(why)")
  }

  var limits: PostgresConnection.Limits {
    PostgresConnection.Limits(
      preparedStatements: configuration.preparedStatementCapacity,
      grace: configuration.cancellationGrace.nanosecondsClamped)
  }
}
