/// What can go wrong between a client and the simulated RabbitMQ.
public enum RabbitMQFault: String, Sendable, Hashable, CaseIterable {
  /// A connection is refused: nobody listens.
  case connectionRefused
  /// The connection breaks before a request or message took effect.
  case connectionLostBefore
  /// The connection breaks after a request or message took effect, before any answer.
  case connectionLostAfter
  /// A message is in its queues, on disk where it must be, and the connection breaks instead of the confirm.
  case confirmLost
  /// The broker has trouble of its own: it does not take a message and says so.
  case publishNacked
  /// A request takes longer.
  case slowRequest
}

/// How often each fault strikes: a share of connections, requests, messages or confirms, 0 ... 1.
public struct RabbitMQFaultRates: Sendable, Hashable {
  /// Connections refused.
  public var refuseConnections = 0.0
  /// Requests and messages at which the connection breaks, half of them before and half after they took effect.
  public var loseConnection = 0.0
  /// Confirms in the place of which the connection breaks.
  public var loseConfirms = 0.0
  /// Messages that the broker does not take.
  public var nackPublishes = 0.0
  /// Requests and messages that take ``slowness`` longer; what follows on the connection waits.
  public var slowRequests = 0.0
  /// How much longer a slow request takes.
  public var slowness: ClosedRange<Duration> = .milliseconds(50) ... .seconds(2)

  /// No faults.
  public init() {}
}

/// How the simulated RabbitMQ is set up.
public struct SimulatedRabbitMQOptions: Sendable, Hashable {
  /// How often each side shows that it is there; after two silences the connection is dead.
  public var heartbeat = Duration.seconds(10)
  /// How long it takes until what came in is on disk, and confirmed.
  public var syncDelay: ClosedRange<Duration> = .microseconds(500) ... .milliseconds(5)
  /// How long after a restart connections are still refused.
  public var recoveryTime = Duration.seconds(2)
  /// The largest body that it takes, bytes. RabbitMQ 3.10: 128 MiB by default.
  public var maximumMessageSize = 134_217_728

  /// What RabbitMQ does unless told otherwise.
  public init() {}
}
