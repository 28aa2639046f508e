/// What can go wrong between a client and the simulated PostgreSQL.
public enum PostgresFault: String, Sendable, Hashable, CaseIterable {
  /// A connection is refused: nobody listens.
  case connectionRefused
  /// A connection is refused with 53300.
  case tooManyConnections
  /// The connection breaks before the statement ran; its transaction rolls back.
  case connectionLostBefore
  /// The connection breaks after the statement ran, before its answer; its transaction rolls back unless it committed.
  case connectionLostAfter
  /// The COMMIT took effect, its answer is lost.
  case commitAnswerLostCommitted
  /// The COMMIT did not take effect, and no answer comes either.
  case commitAnswerLostRolledBack
  /// The statement takes longer.
  case slowStatement
}

/// How often each fault strikes: a share of connections, statements or commits, 0 ... 1.
public struct PostgresFaultRates: Sendable, Hashable {
  /// Connections refused.
  public var refuseConnections = 0.0
  /// Connections refused with 53300.
  public var tooManyConnections = 0.0
  /// Statements at which the connection breaks, half of them before and half after they ran.
  public var loseConnection = 0.0
  /// COMMITs that take effect and whose answer is lost.
  public var loseCommitAnswerCommitted = 0.0
  /// COMMITs that take no effect and get no answer.
  public var loseCommitAnswerRolledBack = 0.0
  /// Statements that take ``slowness`` longer.
  public var slowStatements = 0.0
  /// How much longer a slow statement takes.
  public var slowness: ClosedRange<Duration> = .milliseconds(50) ... .seconds(2)

  /// No faults.
  public init() {}
}
