/// The cache seam: opens connections. Live: hiredis. Simulated: the in-memory Redis behind the message network.
public protocol CacheConnector: Sendable {
  /// Opens a connection.
  ///
  /// - Parameter deadline: when to give up, on the connector's own clock; covers the search for the primary, name
  ///   resolution and sign-in.
  /// - Throws: ``CacheError`` with ``CacheError/Code/connectFailed``, with the server's prefix where it answered;
  ///   `CancellationError` when the task is cancelled.
  func connect(deadline: MonotonicInstant) async throws -> any CacheConnection
}

/// What commands are sent to: one connection, or a pool of them.
public protocol CacheClient: AnyObject, Sendable {
  /// Sends commands as one unit, in one piece that no other call's command gets into, and waits for all answers.
  ///
  /// The server still runs them one by one: only MULTI and EXEC among them make them atomic. When one is not answered
  /// before the deadline, the call fails and its connection takes no more commands; what is under way on it may still
  /// be answered until its own deadline, then the connection closes. A cancelled task waits no longer; the commands run
  /// all the same, and the connection stays of use.
  ///
  /// - Returns: one reply for each command; a command that failed has ``CacheReply/error(_:)``.
  /// - Throws: ``CacheError`` where there are no replies, with ``CacheError/mayHaveTakenEffect`` when a command that
  ///   writes had been sent; `CancellationError` when the task is cancelled.
  func send(_ commands: [CacheCommand], deadline: MonotonicInstant) async throws -> [CacheReply]
}

/// One connection to a Redis server. Calls may overlap: each goes out at once behind those before it, and the answers
/// come in the same order (Redis manual, "Redis pipelining").
///
/// Whoever shares a connection shares its state too: MULTI, DISCARD, EXEC and SELECT outside of one call of
/// ``CacheClient/send(_:deadline:)`` are for its only user.
public protocol CacheConnection: CacheClient {
  /// Whether the connection takes no more commands: either side closed it, or a command was not answered in time. It
  /// never opens again.
  var isClosed: Bool { get }

  /// Closes the connection at once. Calls under way fail. Repeating it does nothing.
  func close()
}

extension CacheClient {
  /// Runs one command.
  ///
  /// - Throws: ``CacheError``, with ``CacheError/Code/server`` when the server answered with an error;
  ///   `CancellationError` when the task is cancelled.
  public func execute(_ command: CacheCommand, deadline: MonotonicInstant) async throws -> CacheReply {
    try await send([command], deadline: deadline)[0].get()
  }

  /// Runs commands as one transaction: MULTI, the commands and EXEC go out as one unit, and nobody else's command runs
  /// between them (Redis manual, "Transactions").
  ///
  /// Redis does not roll back: a command that fails when it runs leaves the effects of the others.
  ///
  /// - Returns: one reply for each command; one that failed when it ran has ``CacheReply/error(_:)``.
  /// - Throws: as ``send(_:deadline:)``; ``CacheError`` of the command that the server refused to queue, with its
  ///   ``CacheError/commandIndex``: then nothing has run.
  public func transaction(_ commands: [CacheCommand], deadline: MonotonicInstant) async throws -> [CacheReply] {
    if commands.isEmpty { return [] }
    let replies = try await send([.multi] + commands + [.exec], deadline: deadline)
    return try CacheTransaction.replies(replies)
  }

  /// Runs a script by its digest, and with its source where the server does not know it yet.
  ///
  /// - Throws: ``CacheError``; `CancellationError` when the task is cancelled.
  public func evaluate(
    _ script: CacheScript, keys: [any CacheArgument], arguments: [any CacheArgument] = [], deadline: MonotonicInstant
  ) async throws -> CacheReply {
    let reply = try await send([.evaluate(script, keys: keys, arguments: arguments)], deadline: deadline)[0]
    guard case .error(let error) = reply, error.prefix == "NOSCRIPT" else { return try reply.get() }
    return try await execute(.evaluateSource(script, keys: keys, arguments: arguments), deadline: deadline)
  }
}

/// Reads the answers to MULTI, commands and EXEC.
enum CacheTransaction {
  static func replies(_ replies: [CacheReply]) throws -> [CacheReply] {
    _ = try replies[0].get()
    for (index, reply) in replies.dropFirst().dropLast().enumerated() {
      guard case .error(var error) = reply else { continue }
      error.commandIndex = index
      throw error
    }
    return try replies[replies.count - 1].array
  }
}
