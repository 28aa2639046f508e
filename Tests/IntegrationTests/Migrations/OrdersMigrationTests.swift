import Orders
import Seams
import ServiceKit
import Testing

/// The orders' migrations, on PostgreSQL and on its double.
@Suite("The orders' migrations on both engines", .timeLimit(.minutes(1)))
struct OrdersMigrationTests {
  @Test func theSchemasAreAlikeAtEveryStepUpDownAndUpAgain() async throws {
    let count = try OrdersMigrations.load().migrations.count
    let seen = try await BothEngines.observe { connector, environment in
      var schemas = [try await SchemaReader.read(connector, deadline: environment.soon)]
      let files = try OrdersMigrations.load().migrations.map { migration in
        [
          MigrationFile(name: migration.name + ".sql", bytes: Array(migration.up.utf8)),
          MigrationFile(name: migration.name + ".down.sql", bytes: Array(migration.down.utf8)),
        ]
      }
      for number in 1...count {
        let set = try MigrationSet(files: files.prefix(number).flatMap { $0 })
        let migrator = Migrator(migrations: set, connector: connector, environment: environment)
        try expectEqual(try await migrator.up(deadline: environment.soon).count, 1)
        schemas.append(try await SchemaReader.read(connector, deadline: environment.soon))
      }
      let migrator = Migrator(
        migrations: try OrdersMigrations.load(), connector: connector, environment: environment)
      for version in (0..<count).reversed() {
        try expectEqual(try await migrator.down(1, deadline: environment.soon).count, 1)
        try expectEqual(
          try await SchemaReader.read(connector, deadline: environment.soon), schemas[version],
          "the schema after going down to version \(version)")
      }
      try expectEqual(try await migrator.up(deadline: environment.soon).count, count)
      try expectEqual(try await SchemaReader.read(connector, deadline: environment.soon), schemas[count])
      return schemas
    }
    for (live, simulated) in zip(seen.live, seen.simulated) {
      let difference = live.difference(from: simulated)
      #expect(difference.isEmpty, "\(difference)")
    }
    #expect(Set(seen.live).count == count + 1)
  }
}
