public import SimulatedNetwork
public import SimulationKernel

/// What can be made to go wrong in a run.
public enum FaultKind: Sendable, Hashable {
  /// A service's host crashes and boots again later, with nothing in memory.
  case hostCrash
  /// A service's machine loses its power: as a crash, but nobody resets its connections.
  case hostPowerLoss
  /// A service's process stands still for a while.
  case hostPause
  /// A host's civil clock is off.
  case clockSkew
  /// A host's clocks run too fast or too slow.
  case clockDrift
  /// A service is cut off from its clients, its database or both, in both directions.
  case partition
  /// Messages get through in one direction only.
  case oneWayPartition
  /// A path takes much longer for a while.
  case slowLink
  /// A share of the messages between clients and services vanishes.
  case messageLoss
  /// A share of the HTTP exchanges goes wrong.
  case http(HTTPFault)
  /// A share of the database's connections or statements goes wrong.
  case database(DatabaseFault)
  /// The database crashes and restarts: what was committed stays.
  case databaseRestart
  /// The database's machine loses its power and comes back: its clients hear nothing.
  case databasePowerLoss
  /// The database crashes, and a replica that lacks its last commits takes its place.
  case databaseFailOver
  /// A share of the cache's connections or commands goes wrong.
  case cache(CacheFault)
  /// The cache crashes and restarts with nothing in it.
  case cacheRestart
  /// The cache's machine loses its power and comes back empty: its clients hear nothing.
  case cachePowerLoss
  /// The cache crashes, and a replica that lacks its last writes takes its place.
  case cacheFailOver
  /// A service is cut off from the cache alone, which keeps what it has.
  case cachePartition
  /// A share of the broker's connections, messages or confirms goes wrong.
  case broker(BrokerFault)
  /// The broker crashes and restarts: what is durable and was confirmed stays.
  case brokerRestart
  /// The broker's machine loses its power and comes back: its clients hear nothing.
  case brokerPowerLoss
  /// A service is cut off from the broker alone.
  case brokerPartition

  /// Every kind of a world without a cache and a broker, in a fixed order.
  public static let all: [FaultKind] =
    [
      .hostCrash, .hostPowerLoss, .hostPause, .clockSkew, .clockDrift, .partition, .oneWayPartition, .slowLink,
      .messageLoss, .databaseRestart, .databasePowerLoss, .databaseFailOver,
    ] + HTTPFault.allCases.map(FaultKind.http) + DatabaseFault.allCases.map(FaultKind.database)

  /// What a cache adds, in a fixed order.
  public static let ofCache: [FaultKind] =
    [.cacheRestart, .cachePowerLoss, .cacheFailOver, .cachePartition] + CacheFault.allCases.map(FaultKind.cache)

  /// What a broker adds, in a fixed order.
  public static let ofBroker: [FaultKind] =
    [.brokerRestart, .brokerPowerLoss, .brokerPartition] + BrokerFault.allCases.map(FaultKind.broker)

  /// The kind's name in reports, and the name of its random stream.
  public var name: String {
    switch self {
    case .hostCrash: "host-crash"
    case .hostPowerLoss: "host-power-loss"
    case .hostPause: "host-pause"
    case .clockSkew: "clock-skew"
    case .clockDrift: "clock-drift"
    case .partition: "partition"
    case .oneWayPartition: "one-way-partition"
    case .slowLink: "slow-link"
    case .messageLoss: "message-loss"
    case .databaseRestart: "db-restart"
    case .databasePowerLoss: "db-power-loss"
    case .databaseFailOver: "db-fail-over"
    case .http(let fault): "http-\(fault.rawValue)"
    case .database(let fault): "db-\(fault.rawValue)"
    case .cache(let fault): "cache-\(fault.rawValue)"
    case .cacheRestart: "cache-restart"
    case .cachePowerLoss: "cache-power-loss"
    case .cacheFailOver: "cache-fail-over"
    case .cachePartition: "cache-partition"
    case .broker(let fault): "broker-\(fault.rawValue)"
    case .brokerRestart: "broker-restart"
    case .brokerPowerLoss: "broker-power-loss"
    case .brokerPartition: "broker-partition"
    }
  }
}

/// What can go wrong with a share of a database's connections or statements.
public enum DatabaseFault: String, Sendable, Hashable, CaseIterable {
  /// A new connection is refused.
  case refused
  /// A new connection is told that there are too many (53300).
  case tooManyConnections = "too-many-connections"
  /// The connection breaks in mid-statement; the transaction is rolled back.
  case connectionLost = "connection-lost"
  /// The connection breaks after a COMMIT took effect, before its answer.
  case commitAppliedAnswerLost = "commit-lost-applied"
  /// The connection breaks before a COMMIT takes effect: the transaction is rolled back.
  case commitDroppedAnswerLost = "commit-lost-dropped"
  /// A statement takes much longer.
  case slowStatement = "slow-statement"
}

/// What can go wrong with a share of a cache's connections or commands.
public enum CacheFault: String, Sendable, Hashable, CaseIterable {
  /// A new connection is refused.
  case refused
  /// The connection breaks before or after a command took effect.
  case connectionLost = "connection-lost"
  /// A command takes much longer, and all others with it.
  case slowCommand = "slow-command"
}

/// What can go wrong with a share of a broker's connections, messages or confirms.
public enum BrokerFault: String, Sendable, Hashable, CaseIterable {
  /// A new connection is refused.
  case refused
  /// The connection breaks before or after a request or message took effect.
  case connectionLost = "connection-lost"
  /// A message is taken, and the connection breaks in the place of its confirm.
  case confirmLost = "confirm-lost"
  /// A message is not taken, and its publisher is told so.
  case nacked
  /// A request takes much longer, and what follows on its connection with it.
  case slowRequest = "slow-request"
}

/// A server that faults can be injected into.
public protocol FaultableServer: AnyObject, Sendable {
  /// Crashes the server: every connection breaks, what is not kept is gone, new connections are refused.
  func crash(_ kind: SimulatedHost.CrashKind)
  /// Starts the server again with what it keeps.
  func restart()
}

/// A server with a replica.
public protocol FaultableReplica: FaultableServer {
  /// Crashes the server and puts a replica in its place that lacks up to `writes` of the latest commits or writes.
  ///
  /// - Returns: how many were lost.
  func failOver(losing writes: Int) -> Int
}

/// A database that faults can be injected into.
public protocol FaultableDatabase: FaultableReplica {
  /// Sets the share of connections or statements that `fault` befalls, 0 ... 1.
  func setRate(of fault: DatabaseFault, to share: Double)
  /// How often `fault` has happened.
  func count(of fault: DatabaseFault) -> Int
}

/// A cache that faults can be injected into. It keeps nothing when it crashes.
public protocol FaultableCache: FaultableReplica {
  /// Sets the share of connections or commands that `fault` befalls, 0 ... 1.
  func setRate(of fault: CacheFault, to share: Double)
  /// How often `fault` has happened.
  func count(of fault: CacheFault) -> Int
}

/// A broker that faults can be injected into.
public protocol FaultableBroker: FaultableServer {
  /// Sets the share of connections, messages or confirms that `fault` befalls, 0 ... 1.
  func setRate(of fault: BrokerFault, to share: Double)
  /// How often `fault` has happened.
  func count(of fault: BrokerFault) -> Int
}
