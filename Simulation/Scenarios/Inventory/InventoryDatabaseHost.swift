internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import ServiceKit
internal import SimulatedPostgres
internal import SimulationKernel

/// The inventory's database on its host: migrated and filled before the run, judged at each commit, and faulty on demand.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class InventoryDatabaseHost: FaultableDatabase, @unchecked Sendable {
  let host: SimulatedHost
  let server: SimulatedPostgresServer
  /// Called when commits have been lost, with their numbers.
  var onFailOver: (Set<UInt64>) -> Void = { _ in }
  private let stock: [(UUID, Int)]
  private let schemaChanges: [String]

  /// A database whose products will have `stock` units, and whose schema will be changed by `schemaChanges`.
  init(_ world: World, stock: [(UUID, Int)], schemaChanges: [String]) {
    host = world.kernel.host("postgres")
    var options = SimulatedPostgresOptions()
    // Below the service's own limit on a lock's wait (250 ms), which would hide every deadlock.
    options.deadlockTimeout = .milliseconds(50)
    options.replicationLogLength = 16
    server = SimulatedPostgresServer(host: host, network: world.network, options: options)
    self.stock = stock
    self.schemaChanges = schemaChanges
  }

  /// Migrates the schema and creates the products, before virtual time begins.
  func prepare() throws {
    for script in try Self.scripts.get() { try server.setUp(script) }
    let items = stock.map { "('\($0.0.canonicalText)', \($0.1))" }.joined(separator: ", ")
    let movements = stock.map { "('\($0.0.canonicalText)', \($0.1), 'initial', 'scenario')" }.joined(separator: ", ")
    // One script, one transaction: the judges already watch.
    try server.setUp(
      """
      INSERT INTO inventory_items (product_id, quantity) VALUES \(items);
      INSERT INTO stock_movements (product_id, delta, reason, ref) VALUES \(movements)
      """)
    for change in schemaChanges { try server.setUp(change) }
    server.database.replicate()
  }

  /// The service's migrations, read once for all runs of the process.
  private static let scripts = Result { try InventoryMigrations.load().migrations.map(\.up) }

  // MARK: Faults

  func setRate(of fault: DatabaseFault, to share: Double) {
    switch fault {
    case .refused: server.faults.refuseConnections = share
    case .tooManyConnections: server.faults.tooManyConnections = share
    case .connectionLost: server.faults.loseConnection = share
    case .commitAppliedAnswerLost: server.faults.loseCommitAnswerCommitted = share
    case .commitDroppedAnswerLost: server.faults.loseCommitAnswerRolledBack = share
    case .slowStatement: server.faults.slowStatements = share
    }
  }

  func count(of fault: DatabaseFault) -> Int {
    let counted: [PostgresFault] =
      switch fault {
      case .refused: [.connectionRefused]
      case .tooManyConnections: [.tooManyConnections]
      case .connectionLost: [.connectionLostBefore, .connectionLostAfter]
      case .commitAppliedAnswerLost: [.commitAnswerLostCommitted]
      case .commitDroppedAnswerLost: [.commitAnswerLostRolledBack]
      case .slowStatement: [.slowStatement]
      }
    return server.faultCounts.filter { counted.contains($0.fault) }.reduce(0) { $0 + $1.count }
  }

  func crash(_ kind: SimulatedHost.CrashKind) { server.crash(kind) }

  func failOver(losing commits: Int) -> Int {
    let lost = server.failOver(losing: commits)
    onFailOver(Set(lost))
    return lost.count
  }

  func restart() { server.restart() }
}
