import Seams
import ServiceKit
import Testing

@Suite struct MigratorTests {
  private static func set(_ texts: [String]) throws -> MigrationSet {
    var files: [MigrationFile] = []
    for (index, text) in texts.enumerated() {
      let stem = "00\(index + 1)_step\(index + 1)"
      files.append(MigrationFile(name: stem + ".sql", bytes: Array(text.utf8)))
      files.append(MigrationFile(name: stem + ".down.sql", bytes: Array("UNDO \(text)".utf8)))
    }
    return try MigrationSet(files: files)
  }

  private func migrator(
    _ texts: [String], _ database: MigrationDatabase, _ environment: ServiceEnvironment
  ) throws -> Migrator {
    Migrator(migrations: try Self.set(texts), connector: database, environment: environment)
  }

  @Test func upAppliesWhatIsMissingAndDownTakesBackOneAtATime() {
    simulate { environment in
      let database = MigrationDatabase(clock: environment.clock)
      let deadline = environment.after(.seconds(60))
      let two = try migrator(["A", "B"], database, environment)
      #expect(try await two.status(deadline: deadline).map(\.appliedAt) == [nil, nil])
      #expect(!database.contents.hasHistory)
      #expect(try await two.up(deadline: deadline) == ["001_step1", "002_step2"])
      #expect(try await two.up(deadline: deadline) == [])
      let three = try migrator(["A", "B", "C"], database, environment)
      #expect(try await three.status(deadline: deadline).map { $0.appliedAt != nil } == [true, true, false])
      #expect(try await three.up(deadline: deadline) == ["003_step3"])
      #expect(try await three.down(1, deadline: deadline) == ["003_step3"])
      #expect(try await three.down(9, deadline: deadline) == ["002_step2", "001_step1"])
      #expect(try await three.down(1, deadline: deadline) == [])
      #expect(try await three.up(deadline: deadline).count == 3)
      #expect(database.contents.scripts == ["A", "B", "C", "UNDO C", "UNDO B", "UNDO A", "A", "B", "C"])
      #expect(database.openConnections == 0)
    }
  }

  @Test(arguments: 1...20)
  func migratorsAtTheSameTimeApplyNothingTwice(seed: UInt64) {
    simulate(seed: seed) { environment in
      let database = MigrationDatabase(clock: environment.clock)
      let migrator = try migrator(["A", "B", "C", "D"], database, environment)
      let deadline = environment.after(.seconds(60))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<5 {
          group.addTask {
            try await environment.sleep(.milliseconds(environment.entropy.integer(in: 0...30)))
            try await migrator.up(deadline: deadline)
          }
        }
        try await group.waitForAll()
      }
      #expect(database.contents.scripts == ["A", "B", "C", "D"])
      #expect(database.contents.history.map(\.version) == [1, 2, 3, 4])
    }
  }

  @Test func aFailedMigrationLeavesNothingAndKeepsTheOnesBefore() {
    simulate { environment in
      let database = MigrationDatabase(clock: environment.clock)
      let deadline = environment.after(.seconds(60))
      let migrator = try migrator(["A", "B\n\nSYNTAX", "C"], database, environment)
      let error = await #expect(throws: MigrationError.self) { try await migrator.up(deadline: deadline) }
      #expect(error?.code == .migrationFailed)
      #expect(error?.message == "002_step2.sql failed at line 3; nothing of it was applied")
      #expect(database.contents.history.map(\.name) == ["001_step1"])
      #expect(database.contents.scripts == ["A"])
      let fixed = try self.migrator(["A", "B", "C"], database, environment)
      #expect(try await fixed.up(deadline: deadline) == ["002_step2", "003_step3"])
    }
  }

  @Test func aScriptThatEndsItsTransactionIsRefused() {
    simulate { environment in
      let database = MigrationDatabase(clock: environment.clock)
      let migrator = try migrator(["A; COMMIT"], database, environment)
      let error = await #expect(throws: MigrationError.self) {
        try await migrator.up(deadline: environment.after(.seconds(60)))
      }
      #expect(error?.message == "001_step1.sql ended its transaction: remove BEGIN, COMMIT and ROLLBACK from it")
    }
  }

  @Test(arguments: [
    (["A", "X"], "002_step2.sql has changed since it was applied: restore it and put the change into a new migration"),
    (["A"], "the database has 002_step2, which this build does not know: use a newer build"),
  ])
  func aHistoryOfOtherFilesIsRefused(texts: [String], message: String) {
    simulate { environment in
      let database = MigrationDatabase(clock: environment.clock)
      let deadline = environment.after(.seconds(60))
      try await migrator(["A", "B"], database, environment).up(deadline: deadline)
      let other = try migrator(texts, database, environment)
      let up = await #expect(throws: MigrationError.self) { try await other.up(deadline: deadline) }
      let down = await #expect(throws: MigrationError.self) { try await other.down(1, deadline: deadline) }
      let status = await #expect(throws: MigrationError.self) { try await other.status(deadline: deadline) }
      #expect([up, down, status].allSatisfy { $0?.code == .historyDiffers && $0?.message == message })
      #expect(database.contents.scripts == ["A", "B"])
    }
  }

  @Test func renamedAndMissingEntriesAreRefused() {
    simulate { environment in
      let database = MigrationDatabase(clock: environment.clock)
      let deadline = environment.after(.seconds(60))
      let migrator = try migrator(["A", "B"], database, environment)
      try await migrator.up(deadline: deadline)
      database.change { $0.history[1].name = "002_other" }
      let renamed = await #expect(throws: MigrationError.self) { try await migrator.up(deadline: deadline) }
      #expect(renamed?.message == "version 2 was applied as 002_other and is now 002_step2")
      database.change { $0.history.removeFirst() }
      let missing = await #expect(throws: MigrationError.self) { try await migrator.up(deadline: deadline) }
      #expect(
        missing?.message
          == "the database has version 2 where 001_step1 was expected: a row of schema_migrations is missing")
    }
  }
}
