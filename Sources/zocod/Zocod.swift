import ArgumentParser

/// The production executable: services and what belongs to their operation.
@main
struct Zocod: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zocod",
    abstract: "Zoco's services on PostgreSQL.",
    discussion: """
      Settings come from environment variables, all listed in .env.example; the database is DATABASE_URL, or a file \
      that DATABASE_URL_FILE names. Logs are JSON lines on standard error.

      Examples:
        zocod migrate up      bring the database's tables up to date
        zocod seed            100 products to play with, the same in both databases
        zocod inventory       serve HTTP until SIGTERM or SIGINT
        zocod orders          orders and their sagas; its database: --service orders for migrate and seed
        zocod sync            create in the inventory the products that orders have
        zocod payments        a payment provider to try things on, without a database

      Exit codes: 0 done; 64 wrong use; 69 the database cannot be reached; 78 the configuration is wrong; 1 anything \
      else.
      """,
    subcommands: [
      MigrateCommand.self, SeedCommand.self, SyncCommand.self, InventoryCommand.self, OrdersCommand.self,
      PaymentsCommand.self,
    ])
}
