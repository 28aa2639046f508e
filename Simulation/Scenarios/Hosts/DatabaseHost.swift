internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import Orders
internal import Seams
internal import ServiceKit
internal import SimulatedPostgres
internal import SimulationKernel

/// A service's database on its host: migrated and filled before the run, judged at each commit, and faulty on demand.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class DatabaseHost: FaultableDatabase, @unchecked Sendable {
  let host: SimulatedHost
  let server: SimulatedPostgresServer
  /// Called when commits have been lost, with their numbers.
  var onFailOver: (Set<UInt64>) -> Void = { _ in }
  private let migrations: Result<[String], any Error>
  private let rows: String
  private let schemaChanges: [String]

  /// A database with the tables that `migrations` make and the rows that `rows` inserts, whose schema will then be changed
  /// by `schemaChanges`.
  init(
    _ world: World, name: String = "postgres", migrations: Result<[String], any Error>, rows: String,
    schemaChanges: [String]
  ) {
    host = world.kernel.host(name)
    var options = SimulatedPostgresOptions()
    // Below the service's own limit on a lock's wait (250 ms), which would hide every deadlock.
    options.deadlockTimeout = .milliseconds(50)
    options.replicationLogLength = 16
    server = SimulatedPostgresServer(host: host, network: world.network, options: options)
    self.migrations = migrations
    self.rows = rows
    self.schemaChanges = schemaChanges
  }

  /// The inventory's database, whose products will have `stock` units.
  static func inventory(
    _ world: World, name: String = "postgres", stock: [(UUID, Int)], schemaChanges: [String] = []
  ) -> DatabaseHost {
    let items = stock.map { "('\($0.0.canonicalText)', \($0.1))" }.joined(separator: ", ")
    let movements = stock.map { "('\($0.0.canonicalText)', \($0.1), 'initial', 'scenario')" }.joined(separator: ", ")
    let rows = """
      INSERT INTO inventory_items (product_id, quantity) VALUES \(items);
      INSERT INTO stock_movements (product_id, delta, reason, ref) VALUES \(movements)
      """
    return DatabaseHost(
      world, name: name, migrations: inventoryScripts, rows: rows, schemaChanges: schemaChanges)
  }

  /// The orders' database, whose catalogue has `products`.
  static func orders(_ world: World, products: [UUID], schemaChanges: [String] = []) -> DatabaseHost {
    let rows = products.enumerated().map { number, id in
      "('\(id.canonicalText)', 'Product \(number)', \(100 + 10 * number), 'EUR')"
    }
    return DatabaseHost(
      world, name: "postgres-orders", migrations: ordersScripts,
      rows: "INSERT INTO products (id, name, price, currency) VALUES \(rows.joined(separator: ", "))",
      schemaChanges: schemaChanges)
  }

  /// Migrates the schema and inserts the rows, before virtual time begins.
  func prepare() throws {
    for script in try migrations.get() { try server.setUp(script) }
    // One script, one transaction: the judges already watch.
    try server.setUp(rows)
    for change in schemaChanges { try server.setUp(change) }
    server.database.replicate()
  }

  // The services' migrations, read once for all runs of the process.
  private static let inventoryScripts = Result { try InventoryMigrations.load().migrations.map(\.up) }
  private static let ordersScripts = Result { try OrdersMigrations.load().migrations.map(\.up) }

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

extension SQLRow {
  /// The value of a column that the table has.
  subscript(name: String) -> SQLValue {
    guard let index = columns.index(of: name) else { preconditionFailure("there is no column \(name)") }
    return values[index]
  }
}
