import DequeModule
import Seams
import SimulatedNetwork
import SimulationKernel

/// The server's end of one connection.
///
/// Messages of the network may overtake each other; like TCP, both ends put them back in order, and one that is lost
/// holds up all that follow.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class RedisPeer: @unchecked Sendable {
  private unowned let server: SimulatedRedisServer
  private let connection: SimulatedRedisConnection
  let session: RedisSession
  /// Units that have overtaken an earlier one.
  private var early: [Int: [CacheCommand]] = [:]
  private var lastNumber = 0
  /// Whether the rest of a unit is still to come.
  private var isSplit = false
  /// Commands to run, and how many of them end a unit together.
  private var commands: Deque<(command: CacheCommand, number: Int, isLast: Bool)> = []
  private var replies: [CacheReply] = []
  private var current: (number: Int, isLast: Bool)?
  private var isClosed = false

  init(server: SimulatedRedisServer, connection: SimulatedRedisConnection, database: Int) {
    self.server = server
    self.connection = connection
    session = RedisSession(database: database)
  }

  var hasWork: Bool { !isClosed && !commands.isEmpty }

  // MARK: What arrives from the network

  func receive(_ number: Int, _ unit: [CacheCommand]) {
    guard !isClosed else { return breakConnection() }
    early[number] = unit
    takeArrived()
  }

  private func takeArrived() {
    while !isSplit, let unit = early.removeValue(forKey: lastNumber + 1) {
      lastNumber += 1
      let jobs = unit.enumerated().map { (command: $1, number: lastNumber, isLast: $0 == unit.count - 1) }
      guard let (size, delay) = server.split(jobs.count) else {
        commands.append(contentsOf: jobs)
        continue
      }
      commands.append(contentsOf: jobs[..<size])
      isSplit = true
      server.host.kernel.schedule(after: delay) { [self] in
        isSplit = false
        commands.append(contentsOf: jobs[size...])
        takeArrived()
      }
    }
    if hasWork { server.wake() }
  }

  /// The client closed its end, or is gone: what has not run yet never will.
  func hangUp() {
    guard !isClosed else { return }
    isClosed = true
    server.forget(self)
  }

  /// Tells the client that the connection is no more.
  func breakConnection() {
    isClosed = true
    let connection = connection
    server.network.send(from: server.host, to: connection.process.host, bytes: 40) { connection.reset() }
  }

  // MARK: What the server does

  func takeCommand() -> CacheCommand {
    guard let next = commands.popFirst() else { preconditionFailure("a client that has sent nothing was served") }
    current = (next.number, next.isLast)
    return next.command
  }

  func answer(_ reply: CacheReply) {
    replies.append(reply)
    guard let current, current.isLast else { return }
    let (connection, unit) = (connection, replies)
    replies = []
    server.network.send(
      from: server.host, to: connection.process.host, bytes: unit.reduce(8) { $0 + RedisPeer.size($1) }
    ) { connection.receive(current.number, unit) }
  }

  private static func size(_ reply: CacheReply) -> Int {
    switch reply {
    case .null: 5
    case .status(let text): text.utf8.count + 3
    case .integer: 8
    case .bytes(let bytes): bytes.count + 8
    case .array(let elements): elements.reduce(6) { $0 + size($1) }
    case .error(let error): error.message.utf8.count + 3
    }
  }
}
