public import Logging
package import Reactor
public import Seams

/// Opens connections to Redis.
///
/// Opening one takes a helper thread for as long as it lasts, because name resolution blocks; the rest is non-blocking
/// and ends at the deadline. All connections of a connector share one reactor thread.
public struct RedisConnector: CacheConnector {
  let configuration: RedisConfiguration
  let clock: any MonotonicClock
  let logger: Logger
  let reactor: Reactor

  /// A connector to the Redis that `configuration` names. It starts the reactor's thread, which lives as long as the
  /// program: make one connector for each Redis, not one for each connection.
  ///
  /// - Parameters:
  ///   - clock: the clock of every deadline.
  ///   - logger: where it says, at level debug, which primary the sentinels named.
  public init(configuration: RedisConfiguration, clock: any MonotonicClock, logger: Logger) {
    self.init(configuration: configuration, clock: clock, logger: logger, reactor: Reactor())
  }

  /// A connector that shares `reactor` with others.
  package init(configuration: RedisConfiguration, clock: any MonotonicClock, logger: Logger, reactor: Reactor) {
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
    self.reactor = reactor
  }

  public func connect(deadline: MonotonicInstant) async throws -> any CacheConnection {
    try Task.checkCancellation()
    let left = deadline == .distantFuture ? Int64.max : deadline.nanoseconds &- clock.now.nanoseconds
    guard left > 0 else { throw failed(ConnectFailure("the deadline had passed")) }
    return try await HelperCall<RedisConnection>.run(
      reactor: reactor, deadline: left == .max ? .max : Reactor.now &+ left,
      exhausted: failed(ConnectFailure("the system has no thread left")),
      expired: { failed(ConnectFailure("no answer before the deadline")) }, discard: { $0.close() },
      { call in
        ConnectAttempt(connector: self, call: call).run().map { link in
          RedisConnection(link, reactor: reactor, clock: clock)
        }.mapError { failed($0) }
      })
  }

  private func failed(_ failure: ConnectFailure) -> CacheError {
    var error = CacheError(.connectFailed, message: "cannot connect to \(configuration): \(failure.message)")
    error.prefix = failure.prefix
    return error
  }
}

/// Why one address did not give a connection.
struct ConnectFailure: Error, Equatable {
  var message: String
  /// The first word of the server's error, where it answered with one.
  var prefix: String?

  init(_ message: String, prefix: String? = nil) {
    self.message = message
    self.prefix = prefix
  }

  /// The server's answer to a command of the sign-in. None of them quotes a password.
  init(_ host: RedisConfiguration.Host, refusing step: String, with error: CacheError) {
    // A server that is full has the prefix of errors that stay, and another try may find a place.
    let isFull = error.message.hasPrefix("ERR max number of clients reached")
    self.init("\(host): \(step): \(error.message)", prefix: isFull ? nil : error.prefix)
  }
}
