import Inventory
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct MigrationTests {
  @Test func theMigrationsAreThoseOfTheContract() throws {
    #expect(
      try InventoryMigrations.load().migrations.map(\.name) == [
        "001_create_inventory_items", "002_create_reservations", "003_add_indexes", "004_add_constraints",
        "005_set_events_aside", "006_index_published_events",
      ])
  }

  @Test func theyGoUpAndDownOneByOneAndUpAgain() throws {
    let kernel = SimulationKernel(seed: 1)
    let server = SimulatedPostgresServer(host: kernel.host("postgres"), network: Network(kernel: kernel))
    let migrations = try InventoryMigrations.load()
    let outcome = kernel.run { process in
      let migrator = Migrator(
        migrations: migrations, connector: server.connector(for: process), environment: process.serviceEnvironment)
      let names = migrations.migrations.map(\.name)
      let up = try await migrator.up(deadline: .distantFuture)
      check(up == names)
      let nothing = try await migrator.up(deadline: .distantFuture)
      check(nothing.isEmpty)
      for name in names.reversed() {
        let down = try await migrator.down(1, deadline: .distantFuture)
        check(down == [name])
      }
      let again = try await migrator.up(deadline: .distantFuture)
      check(again == names)
      let status = try await migrator.status(deadline: .distantFuture)
      check(status.count == names.count && status.allSatisfy { $0.appliedAt != nil })
    }
    #expect(outcome == .finished)
  }
}
