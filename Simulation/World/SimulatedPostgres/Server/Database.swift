import DequeModule
import Seams
import SimulationKernel

/// In which order rows come that no ORDER BY orders.
public enum RowOrder: Sendable, Hashable {
  /// Drawn from the seed, so that code which relies on an accidental order is caught.
  case seeded
  /// As they lie in the table: for comparing with real PostgreSQL.
  case heap
}

/// Settings of a simulated PostgreSQL.
public struct SimulatedPostgresOptions: Sendable {
  /// In which order rows come that no ORDER BY orders.
  public var rowOrder = RowOrder.seeded
  /// `max_connections`: one more is refused with 53300.
  public var maxConnections = 100
  /// `deadlock_timeout`: how long a wait lasts before a deadlock is looked for.
  public var deadlockTimeout = Duration.seconds(1)
  /// How long a restarted server refuses connections with 57P03 while it recovers.
  public var recoveryTime = Duration.milliseconds(200)
  /// Whether SQL that the engine does not know ends the run as a harness failure.
  public var refusalFailsHarness = true
  /// How many of the latest commits a fail-over could lose; 0 keeps no log of them.
  public var replicationLogLength = 0

  /// The defaults.
  public init() {}
}

/// What happened in a database so far.
public struct SimulatedPostgresStatistics: Sendable, Hashable {
  /// Statements that were run, failed ones included.
  public var statements = 0
  /// Transactions that committed.
  public var commits = 0
  /// Transactions that rolled back.
  public var rollbacks = 0
  /// Victims of deadlocks (40P01).
  public var deadlocks = 0
  /// Waits for a lock.
  public var lockWaits = 0
}

/// The data of a simulated PostgreSQL, and all that its sessions share. It outlives the server's process: what has
/// committed is durable.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class Database: @unchecked Sendable {
  let kernel: SimulationKernel
  let host: SimulatedHost
  let entropy: RandomStream
  private let orderStream: RandomStream
  let paceStream: RandomStream
  let timerStream: RandomStream
  let tieStream: RandomStream?
  public let options: SimulatedPostgresOptions
  /// What happened so far.
  @exclusivity(unchecked) public internal(set) var statistics = SimulatedPostgresStatistics()
  lazy var locks = LockManager(database: self)
  @exclusivity(unchecked) private(set) var tables: [String: [Table]] = [:]
  @exclusivity(unchecked) private var tablesByID: [UInt64: Table] = [:]
  @exclusivity(unchecked) private var nextTable: UInt64 = 16_384
  @exclusivity(unchecked) private var nextTransaction: UInt64 = 700
  @exclusivity(unchecked) private var writeOrders: UInt64 = 0
  @exclusivity(unchecked) private var nextPID = 1_000
  @exclusivity(unchecked) var catalogVersion = 1
  @exclusivity(unchecked) var commitSequence: UInt64 = 1
  @exclusivity(unchecked) var activeTransactions: [Transaction] = []
  @exclusivity(unchecked) var sessions: [Session] = []
  @exclusivity(unchecked) var pruneQueue: Deque<(row: HeapRow, sequence: UInt64)> = []
  @exclusivity(unchecked) var commitObservers: [(CommitRecord) -> Void] = []
  @exclusivity(unchecked) var pendingRecords: [CommitRecord] = []
  @exclusivity(unchecked) var commitLog: Deque<(sequence: UInt64, changes: [LoggedChange])> = []
  @exclusivity(unchecked) private var parsed: [String: PreparedText] = [:]
  @exclusivity(unchecked) private var recentlyPrepared: [(text: String, prepared: PreparedText)] = []
  @exclusivity(unchecked) private var preparedCount: UInt64 = 0

  init(host: SimulatedHost, options: SimulatedPostgresOptions) {
    self.host = host
    self.options = options
    kernel = host.kernel
    entropy = kernel.stream("postgres \(host.name) entropy")
    orderStream = kernel.stream("postgres \(host.name) row order")
    paceStream = kernel.stream("postgres \(host.name) pace")
    timerStream = kernel.stream("postgres \(host.name) timers")
    tieStream = options.rowOrder == .seeded ? kernel.stream("postgres \(host.name) ties") : nil
  }

  /// The civil time on the server's host, in microseconds since 1970.
  var wallNow: Int64 { (host.process?.wallClock.now ?? kernel.options.wallOrigin).microsecondsSinceEpoch }

  func shuffle<Element>(_ items: inout [Element]) {
    var index = items.count - 1
    while index > 0 {
      items.swapAt(index, orderStream.index(below: index + 1))
      index -= 1
    }
  }

  // MARK: Catalog

  /// The table that `name` means to a transaction: others' uncommitted tables do not exist, others' uncommitted drops
  /// have not happened.
  func table(named name: String, for transaction: Transaction?) -> Table? {
    tables[name]?.last { table in
      if let creator = table.creator, creator !== transaction { return false }
      if let dropper = table.dropper, dropper === transaction { return false }
      return true
    }
  }

  func table(id: UInt64) -> Table? { tablesByID[id] }

  func newTable(_ name: String, _ columns: [Column]) -> Table {
    let table = Table(id: nextTable, name: name, columns: columns)
    nextTable += 1
    return table
  }

  func register(_ table: Table) {
    tables[table.name, default: []].append(table)
    tablesByID[table.id] = table
  }

  func unregister(_ table: Table) {
    tables[table.name]?.removeAll { $0 === table }
    if tables[table.name]?.isEmpty == true { tables[table.name] = nil }
  }

  /// The tables that have committed, by name.
  var committedTables: [Table] {
    tables.keys.sorted().flatMap { tables[$0] ?? [] }.filter { $0.creator == nil }
  }

  func index(named name: String, for transaction: Transaction?) -> Index? {
    for key in tables.keys.sorted() {
      guard let table = table(named: key, for: transaction) else { continue }
      if let index = table.indexes.first(where: { $0.name == name }) { return index }
    }
    return nil
  }

  // MARK: Sessions and transactions

  func begin(_ session: Session, _ isolation: IsolationLevel, readOnly: Bool) -> Transaction {
    nextTransaction += 1
    let transaction = Transaction(
      id: nextTransaction, session: session, isolation: isolation, readOnly: readOnly, startTime: session.statementTime)
    activeTransactions.append(transaction)
    return transaction
  }

  func nextWriteOrder() -> UInt64 {
    writeOrders += 1
    return writeOrders
  }

  func openSession(_ process: SimulatedProcess) -> Session {
    nextPID += 1
    let session = Session(database: self, process: process, pid: nextPID)
    sessions.append(session)
    return session
  }

  /// Loses what the process held: every session, every uncommitted change.
  func crash() {
    for session in sessions { session.die() }
    sessions = []
    // A dead process's tasks never run on, so nobody gives back what a waiter held: shared memory is made anew.
    locks.abandon()
    locks = LockManager(database: self)
    for name in tables.keys.sorted() {
      for table in tables[name] ?? [] { table.strongLocks = 0 }
    }
  }

  // MARK: Plans

  /// The parsed text, from the cache when it was seen before.
  func prepare(_ text: String) throws -> PreparedText {
    // A request's texts are asked for several times in a row; equal strings of one storage compare at once.
    for recent in recentlyPrepared where recent.text == text { return recent.prepared }
    let prepared = try known(text)
    if recentlyPrepared.count == 8 { recentlyPrepared.removeFirst() }
    recentlyPrepared.append((text, prepared))
    return prepared
  }

  private func known(_ text: String) throws -> PreparedText {
    if let known = parsed[text] { return known }
    let statements = try Parser.statements(of: text)
    guard statements.count <= 1 else {
      throw Failure.make("42601", "cannot insert multiple commands into a prepared statement")
    }
    preparedCount += 1
    let prepared = PreparedText(statements.first, number: preparedCount)
    if parsed.count > 4_096 { parsed = [:] }
    parsed[text] = prepared
    return prepared
  }

  // MARK: Waits

  func waitBegan(_ session: Session, _ tag: LockTag) {
    statistics.lockWaits += 1
    kernel.record(
      .sqlWait, host: host, UInt64(session.pid), UInt64(tag.kind.rawValue),
      detail: "session \(session.pid) waits for \(tag.description), blocked by \(locks.blockingPIDs(of: session))")
  }

  func waitEnded(_ session: Session) {
    kernel.record(.sqlWait, host: host, UInt64(session.pid), 255, detail: "session \(session.pid) waits no more")
  }
}

/// A text of one statement, parsed, with the plan that was made for it last.
final class PreparedText {
  let statement: StatementSyntax?
  var plan: StatementPlan?
  /// Its place in the order in which the database met its texts, for the trace.
  let number: UInt64

  init(_ statement: StatementSyntax?, number: UInt64 = 0) {
    self.statement = statement
    self.number = number
  }
}
