package import ServiceKit

/// The migrations of the inventory's database: the files of the folder Migrations, embedded in the executable.
package enum InventoryMigrations {
  /// The migrations, in order and complete.
  ///
  /// - Throws: `MigrationError` when the files are misnamed or one is missing.
  package static func load() throws(MigrationError) -> MigrationSet {
    try MigrationSet(files: [
      MigrationFile(
        name: "001_create_inventory_items.sql", bytes: PackageResources._01_create_inventory_items_sql),
      MigrationFile(
        name: "001_create_inventory_items.down.sql", bytes: PackageResources._01_create_inventory_items_down_sql),
      MigrationFile(name: "002_create_reservations.sql", bytes: PackageResources._02_create_reservations_sql),
      MigrationFile(
        name: "002_create_reservations.down.sql", bytes: PackageResources._02_create_reservations_down_sql),
      MigrationFile(name: "003_add_indexes.sql", bytes: PackageResources._03_add_indexes_sql),
      MigrationFile(name: "003_add_indexes.down.sql", bytes: PackageResources._03_add_indexes_down_sql),
      MigrationFile(name: "004_add_constraints.sql", bytes: PackageResources._04_add_constraints_sql),
      MigrationFile(name: "004_add_constraints.down.sql", bytes: PackageResources._04_add_constraints_down_sql),
      MigrationFile(name: "005_set_events_aside.sql", bytes: PackageResources._05_set_events_aside_sql),
      MigrationFile(name: "005_set_events_aside.down.sql", bytes: PackageResources._05_set_events_aside_down_sql),
      MigrationFile(
        name: "006_index_published_events.sql", bytes: PackageResources._06_index_published_events_sql),
      MigrationFile(
        name: "006_index_published_events.down.sql", bytes: PackageResources._06_index_published_events_down_sql),
    ])
  }
}
