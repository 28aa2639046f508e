package import ServiceKit

/// The migrations of the orders' database: the files of the folder Migrations, embedded in the executable.
package enum OrdersMigrations {
  /// The migrations, in order and complete.
  ///
  /// - Throws: `MigrationError` when the files are misnamed or one is missing.
  package static func load() throws(MigrationError) -> MigrationSet {
    try MigrationSet(files: [
      MigrationFile(name: "001_create_products.sql", bytes: PackageResources._01_create_products_sql),
      MigrationFile(name: "001_create_products.down.sql", bytes: PackageResources._01_create_products_down_sql),
      MigrationFile(name: "002_create_orders.sql", bytes: PackageResources._02_create_orders_sql),
      MigrationFile(name: "002_create_orders.down.sql", bytes: PackageResources._02_create_orders_down_sql),
      MigrationFile(name: "003_create_messages.sql", bytes: PackageResources._03_create_messages_sql),
      MigrationFile(name: "003_create_messages.down.sql", bytes: PackageResources._03_create_messages_down_sql),
      MigrationFile(name: "004_create_inbox.sql", bytes: PackageResources._04_create_inbox_sql),
      MigrationFile(name: "004_create_inbox.down.sql", bytes: PackageResources._04_create_inbox_down_sql),
      MigrationFile(name: "005_add_indexes.sql", bytes: PackageResources._05_add_indexes_sql),
      MigrationFile(name: "005_add_indexes.down.sql", bytes: PackageResources._05_add_indexes_down_sql),
      MigrationFile(name: "006_add_constraints.sql", bytes: PackageResources._06_add_constraints_sql),
      MigrationFile(name: "006_add_constraints.down.sql", bytes: PackageResources._06_add_constraints_down_sql),
      MigrationFile(name: "007_add_notification_index.sql", bytes: PackageResources._07_add_notification_index_sql),
      MigrationFile(
        name: "007_add_notification_index.down.sql", bytes: PackageResources._07_add_notification_index_down_sql),
      MigrationFile(
        name: "008_add_operations_indexes.sql", bytes: PackageResources._08_add_operations_indexes_sql),
      MigrationFile(
        name: "008_add_operations_indexes.down.sql", bytes: PackageResources._08_add_operations_indexes_down_sql),
      MigrationFile(name: "009_add_retention_indexes.sql", bytes: PackageResources._09_add_retention_indexes_sql),
      MigrationFile(
        name: "009_add_retention_indexes.down.sql", bytes: PackageResources._09_add_retention_indexes_down_sql),
    ])
  }
}
