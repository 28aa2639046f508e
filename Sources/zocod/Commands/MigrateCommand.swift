import ArgumentParser
import Inventory
import ServiceKit

/// `zocod migrate`: brings the tables of a service's database to where the service needs them, and back.
struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate",
    abstract: "Change the tables of the database at DATABASE_URL.",
    discussion: """
      Each migration runs in a transaction. A lock keeps a second migrate waiting, and the checksum of each one that \
      was applied is kept: one that was changed afterwards is refused by name.

      Examples:
        zocod migrate up
        DATABASE_URL=postgresql://zoco@localhost/orders zocod migrate up --service orders
      """,
    subcommands: [Up.self, Down.self, Status.self])

  struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "up", abstract: "Apply what is missing.", discussion: "Example:\n  zocod migrate up")

    @OptionGroup var database: DatabaseOption

    func run() async throws {
      try await Exit.explaining {
        let (migrator, runtime) = try MigrateCommand.migrator(of: database.service)
        let applied = try await migrator.up(deadline: runtime.deadline(in: MigrateCommand.timeLimit))
        for name in applied { print("applied \(name)") }
        if applied.isEmpty { print("nothing to do: every migration is applied") }
      }
    }
  }

  struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "down", abstract: "Take the last ones back. Their tables and columns go with what they hold.",
      discussion: "Example:\n  zocod migrate down --count 2")

    @Option(help: "How many to take back.")
    var count = 1

    func validate() throws {
      guard (1...10_000).contains(count) else { throw ValidationError("--count takes a number from 1 to 10000") }
    }

    @OptionGroup var database: DatabaseOption

    func run() async throws {
      try await Exit.explaining {
        let (migrator, runtime) = try MigrateCommand.migrator(of: database.service)
        let undone = try await migrator.down(count, deadline: runtime.deadline(in: MigrateCommand.timeLimit))
        for name in undone { print("took back \(name)") }
        if undone.isEmpty { print("nothing to do: no migration is applied") }
      }
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "status", abstract: "Show which are applied, and when.",
      discussion: "Example:\n  zocod migrate status")

    @OptionGroup var database: DatabaseOption

    func run() async throws {
      try await Exit.explaining {
        let (migrator, runtime) = try MigrateCommand.migrator(of: database.service)
        let entries = try await migrator.status(deadline: runtime.deadline(in: MigrateCommand.timeLimit))
        let width = entries.map(\.name.count).max() ?? 0
        for entry in entries {
          let name = entry.name + String(repeating: " ", count: width - entry.name.count)
          print("\(name)  \(entry.appliedAt.map { "applied \($0)" } ?? "missing")")
        }
      }
    }
  }

  /// A migration may rewrite a large table.
  private static let timeLimit = Duration.seconds(3600)

  private static func migrator(of service: DatabaseService) throws -> (Migrator, Runtime) {
    let runtime = try Runtime(label: "migrate")
    return (try runtime.migrator(of: service), runtime)
  }
}

/// Whose database a command is about.
struct DatabaseOption: ParsableArguments {
  @Option(help: "Whose database it is: inventory or orders.")
  var service = DatabaseService.inventory
}
