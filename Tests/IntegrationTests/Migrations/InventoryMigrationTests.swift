import Inventory
import Seams
import ServiceKit
import Testing

/// The service's migrations, on PostgreSQL and on its double.
@Suite("The inventory's migrations on both engines", .timeLimit(.minutes(1)))
struct InventoryMigrationTests {
  private static let all = (try? InventoryMigrations.load().migrations.count) ?? 0

  /// A migrator that knows the first `count` migrations, `change` made to their forward files.
  private static func migrator(
    _ connector: any SQLConnector, _ environment: ServiceEnvironment, first count: Int = all,
    change: (Migration) -> String = { $0.up }
  ) throws -> Migrator {
    let files = try InventoryMigrations.load().migrations.prefix(count).flatMap { migration in
      [
        MigrationFile(name: migration.name + ".sql", bytes: Array(change(migration).utf8)),
        MigrationFile(name: migration.name + ".down.sql", bytes: Array(migration.down.utf8)),
      ]
    }
    return Migrator(migrations: try MigrationSet(files: files), connector: connector, environment: environment)
  }

  @Test func theSchemasAreAlikeAtEveryStepUpDownAndUpAgain() async throws {
    let seen = try await BothEngines.observe { connector, environment in
      var schemas = [try await SchemaReader.read(connector, deadline: environment.soon)]
      for count in 1...Self.all {
        let applied = try await Self.migrator(connector, environment, first: count).up(deadline: environment.soon)
        try expectEqual(applied.count, 1)
        schemas.append(try await SchemaReader.read(connector, deadline: environment.soon))
      }
      let migrator = try Self.migrator(connector, environment)
      for version in (0..<Self.all).reversed() {
        try expectEqual(try await migrator.down(1, deadline: environment.soon).count, 1)
        schemas.append(try await SchemaReader.read(connector, deadline: environment.soon))
        try expectEqual(schemas.last, schemas[version], "the schema after going down to version \(version)")
      }
      try expectEqual(try await migrator.up(deadline: environment.soon).count, Self.all)
      schemas.append(try await SchemaReader.read(connector, deadline: environment.soon))
      return schemas
    }
    #expect(seen.live.count == 2 * Self.all + 2 && seen.live.first == [] && seen.live.last == seen.live[Self.all])
    #expect(Set(seen.live[0...Self.all]).count == Self.all + 1)
    for (live, simulated) in zip(seen.live, seen.simulated) {
      let difference = live.difference(from: simulated)
      #expect(difference.isEmpty, "\(difference)")
    }
  }

  @Test func constraintsAndDefaultsHoldAlike() async throws {
    let seen = try await BothEngines.observe { connector, environment in
      try await Self.migrator(connector, environment).up(deadline: environment.soon)
      let connection = try await connector.connect(deadline: environment.soon)
      defer { connection.close() }
      var outcomes: [String] = []
      for statement in ConstraintProbe.statements {
        outcomes.append(try await ConstraintProbe.outcome(of: statement, on: connection, environment.soon))
      }
      return outcomes
    }
    #expect(seen.live == ConstraintProbe.outcomes)
    #expect(seen.simulated == ConstraintProbe.outcomes)
  }

  @Test func migratorsAtOnceTakeTurnsAndApplyNothingTwice() async throws {
    let seen = try await BothEngines.observe { connector, environment in
      let migrator = try Self.migrator(connector, environment)
      let applied = try await withThrowingTaskGroup(of: [String].self) { group in
        for _ in 0..<4 { group.addTask { try await migrator.up(deadline: environment.soon) } }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      let status = try await migrator.status(deadline: environment.soon)
      try expectTrue(status.allSatisfy { $0.appliedAt != nil }, "all are applied")
      return applied.sorted()
    }
    #expect(seen.live == (try InventoryMigrations.load().migrations.map(\.name)))
    #expect(seen.simulated == seen.live)
  }

  @Test func aFileThatChangedSinceItWasAppliedIsRefusedByName() async throws {
    let seen = try await BothEngines.observe { connector, environment in
      try await Self.migrator(connector, environment, first: 3).up(deadline: environment.soon)
      let changed = try Self.migrator(connector, environment) { migration in
        migration.version == 2 ? migration.up + "-- one more line\n" : migration.up
      }
      var refusals: [String] = []
      do { try await changed.up(deadline: environment.soon) } catch { refusals.append("up: \(error)") }
      do { try await changed.down(1, deadline: environment.soon) } catch { refusals.append("down: \(error)") }
      do { _ = try await changed.status(deadline: environment.soon) } catch { refusals.append("status: \(error)") }
      let status = try await Self.migrator(connector, environment).status(deadline: environment.soon)
      try expectEqual(status.map { $0.appliedAt != nil }, (0..<Self.all).map { $0 < 3 }, "what is applied")
      return refusals
    }
    let reason =
      "history_differs: 002_create_reservations.sql has changed since it was applied: restore it and put the change "
      + "into a new migration"
    #expect(seen.live == ["up: \(reason)", "down: \(reason)", "status: \(reason)"])
    #expect(seen.simulated == seen.live)
  }
}
