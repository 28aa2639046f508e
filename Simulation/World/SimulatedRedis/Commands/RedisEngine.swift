import Seams
import SimulationKernel

/// What a connection's commands have left on the server.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class RedisSession: @unchecked Sendable {
  var database: Int
  /// The commands since MULTI; `nil` outside of it.
  var queued: [CacheCommand]?
  /// Whether one of them was refused, so that EXEC will be.
  var isDirty = false

  init(database: Int) { self.database = database }
}

/// The data of a simulated Redis and the commands on them, one after the other, as in the real one.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class RedisEngine: @unchecked Sendable {
  /// `databases` of the default configuration.
  static let databaseCount = 16

  /// What is left to chance: the order of hashes and keys, the sizes of pages.
  let entropy: RandomStream
  private let clock: any WallClock
  private let scripts: [CacheScript]
  private let log: ReplicationLog
  private let scanSeed: UInt64
  private var keyspaces: [Keyspace?] = []
  /// Digests of the scripts that EVALSHA knows.
  var loadedScripts: Set<String> = []
  /// Commands, transactions and scripts that ran.
  private(set) var writes: Int64 = 0

  init(entropy: RandomStream, clock: any WallClock, scripts: [CacheScript], replicationLogLength: Int) {
    self.entropy = entropy
    self.clock = clock
    self.scripts = scripts
    log = ReplicationLog(capacity: replicationLogLength)
    scanSeed = entropy.next()
    removeEverything()
  }

  /// A restart without persistence.
  func removeEverything() {
    keyspaces = Array(repeating: nil, count: RedisEngine.databaseCount)
    loadedScripts = []
    log.removeAll()
  }

  /// A replica takes over that lacks the latest writes and has no scripts loaded.
  ///
  /// - Returns: how many writes were lost.
  func loseWrites(_ count: Int) -> Int {
    loadedScripts = []
    return log.lose(count)
  }

  func keyspace(_ number: Int) -> Keyspace {
    if let known = keyspaces[number] { return known }
    let keyspace = Keyspace(number: number, log: log, scanSeed: scanSeed)
    keyspaces[number] = keyspace
    return keyspace
  }

  /// What the string at `key` holds, without a trace.
  func peek(_ key: [UInt8], _ database: Int) -> [UInt8]? {
    guard case .string(let bytes) = keyspaces[database]?.entry(key, now: now)?.value else { return nil }
    return bytes
  }

  private var now: Int64 { clock.now.microsecondsSinceEpoch / 1000 }

  /// Seconds and microseconds.
  var timeParts: [Int64] {
    let micros = clock.now.microsecondsSinceEpoch
    return [micros / 1_000_000, micros % 1_000_000]
  }

  // MARK: - Scripts

  func loadedScript(_ digest: String) -> CacheScript? {
    loadedScripts.contains(digest) ? scripts.first { $0.digest == digest } : nil
  }

  func registered(source: ArraySlice<UInt8>) throws -> CacheScript {
    guard let script = scripts.first(where: { source.elementsEqual($0.source.utf8) }) else {
      throw RefusedCommand("a script that is not registered")
    }
    return script
  }

  // MARK: - Commands

  /// Runs a command of a connection, or queues it.
  ///
  /// - Parameter isLoading: whether the server still reads its data, and takes only what belongs to transactions.
  /// - Throws: ``RefusedCommand``.
  func process(_ command: CacheCommand, _ session: RedisSession, isLoading: Bool) throws -> CacheReply {
    defer { log.endWrite() }
    let name = command.name
    let isControl = ["MULTI", "EXEC", "DISCARD"].contains(name)
    if session.queued == nil, !isControl, !isLoading { return try run(command, session, now: now) }
    let arity = isControl ? Arity(1) : try specification(name).arity
    guard arity.accepts(command.count) else { return reject(name, .arity(name.lowercased()), session) }
    if isControl { return try control(name, session) }
    if isLoading { return reject(name, RedisFailure("LOADING Redis is loading the dataset in memory"), session) }
    return queue(command, session)
  }

  /// Answers a command that is not taken; in a transaction its EXEC will fail (server.c, `rejectCommand`).
  private func reject(_ name: String, _ failure: RedisFailure, _ session: RedisSession) -> CacheReply {
    session.isDirty = true
    guard name == "EXEC" else { return failure.reply }
    session.queued = nil
    let why = failure.text.hasPrefix("ERR ") ? String(failure.text.dropFirst(4)) : failure.text
    return RedisFailure("EXECABORT Transaction discarded because of: \(why)").reply
  }

  private func queue(_ command: CacheCommand, _ session: RedisSession) -> CacheReply {
    session.queued?.append(command)
    return .status("QUEUED")
  }

  private func control(_ name: String, _ session: RedisSession) throws -> CacheReply {
    guard let queued = session.queued else {
      guard name == "MULTI" else { return RedisFailure("ERR \(name) without MULTI").reply }
      session.queued = []
      session.isDirty = false
      return .ok
    }
    guard name != "MULTI" else { return RedisFailure("ERR MULTI calls can not be nested").reply }
    session.queued = nil
    if name == "DISCARD" { return .ok }
    if session.isDirty {
      return RedisFailure("EXECABORT Transaction discarded because of previous errors.").reply
    }
    return .array(try queued.map { try run($0, session, now: now) })
  }

  private func specification(_ name: String) throws -> CommandSpecification {
    guard let specification = RedisEngine.commands[name] else { throw RefusedCommand("the command \(name)") }
    return specification
  }

  /// Runs a command at once.
  ///
  /// - Throws: ``RefusedCommand``.
  func run(_ command: CacheCommand, _ session: RedisSession, now: Int64) throws -> CacheReply {
    let name = command.name
    let specification = try specification(name)
    guard specification.arity.accepts(command.count) else { return RedisFailure.arity(name.lowercased()).reply }
    writes += 1
    do {
      return try specification.run(Invocation(engine: self, session: session, command: command, now: now))
    } catch let failure as RedisFailure {
      return failure.reply
    }
  }

  private static let commands = CommandSpecification.all
}
