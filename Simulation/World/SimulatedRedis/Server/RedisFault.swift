/// What can go wrong between a client and the simulated Redis.
public enum RedisFault: String, Sendable, Hashable, CaseIterable {
  /// A connection is refused: nobody listens.
  case connectionRefused
  /// The connection breaks before the command ran.
  case connectionLostBefore
  /// The connection breaks after the command ran, before its answer.
  case connectionLostAfter
  /// The command takes longer, and everybody waits: Redis runs one at a time.
  case slowCommand
}

/// How often each fault strikes: a share of connections or commands, 0 ... 1.
public struct RedisFaultRates: Sendable, Hashable {
  /// Connections refused.
  public var refuseConnections = 0.0
  /// Commands at which the connection breaks, half of them before and half after they ran.
  public var loseConnection = 0.0
  /// Commands that take ``slowness`` longer.
  public var slowCommands = 0.0
  /// How much longer a slow command takes.
  public var slowness: ClosedRange<Duration> = .milliseconds(20) ... .seconds(1)

  /// No faults.
  public init() {}
}

/// Settings of a simulated Redis.
public struct SimulatedRedisOptions: Sendable {
  /// How long a restarted server answers with LOADING.
  public var loadingTime = Duration.zero
  /// How long the server takes to notice that a client is gone of which no word reached it.
  public var keepAlive = Duration.seconds(10)
  /// Whether a command that the engine does not know ends the run as a harness failure.
  public var refusalFailsHarness = true
  /// How many of the latest writes a fail-over could lose; 0 keeps no log of them.
  public var replicationLogLength = 0

  /// The defaults.
  public init() {}
}
