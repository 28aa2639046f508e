import ServiceKit
import Testing

@Suite struct MigrationSetTests {
  private func file(_ name: String, _ text: String = "SELECT 1;") -> MigrationFile {
    MigrationFile(name: name, bytes: Array(text.utf8))
  }

  private func problems(_ files: [MigrationFile]) -> [String] {
    do {
      _ = try MigrationSet(files: files)
      return []
    } catch {
      #expect(error.code == .invalidFiles)
      return error.message.split(separator: "\n").map(String.init)
    }
  }

  @Test func filesAreOrderedAndPaired() throws {
    let set = try MigrationSet(files: [
      file("002_b.down.sql", "DROP b"), file("002_b.sql", "ADD b"), file("001_a.sql", "ADD a"),
      file("001_a.down.sql", "DROP a"),
    ])
    #expect(set.migrations.map(\.name) == ["001_a", "002_b"])
    #expect(set.migrations.map(\.version) == [1, 2])
    #expect(set.migrations.map(\.up) == ["ADD a", "ADD b"])
    #expect(set.migrations.map(\.down) == ["DROP a", "DROP b"])
  }

  @Test func theChecksumIsSHA256OfTheForwardFile() throws {
    let set = try MigrationSet(files: [file("001_a.sql", "abc"), file("001_a.down.sql")])
    // FIPS 180-2, appendix B.1.
    #expect(set.migrations[0].checksum == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test func whatIsMissingDoubledOrMisnamedIsListed() {
    #expect(
      problems([
        file("001_a.sql"), file("001_a.down.sql"), file("001_b.sql"), file("001_b.down.sql"), file("003_c.sql"),
        file("004_d.down.sql"), file("readme.txt"), file("5_e.sql"), file("006_f.sql", " \n"),
        MigrationFile(name: "007_g.sql", bytes: [0xFF]),
      ]) == [
        "006_f.sql: expected NNN_name.sql or NNN_name.down.sql that holds SQL in UTF-8",
        "007_g.sql: expected NNN_name.sql or NNN_name.down.sql that holds SQL in UTF-8",
        "5_e.sql: expected NNN_name.sql or NNN_name.down.sql that holds SQL in UTF-8",
        "readme.txt: expected NNN_name.sql or NNN_name.down.sql that holds SQL in UTF-8",
        "001_b.sql: version 1 belongs to 001_a.sql already", "003_c.sql: expected version 2",
        "003_c.down.sql: missing", "004_d.down.sql: there is no 004_d.sql",
      ])
  }

  @Test func theFirstVersionIsOne() {
    #expect(problems([file("002_a.sql"), file("002_a.down.sql")]) == ["002_a.sql: expected version 1"])
    #expect(problems([file("000_a.sql"), file("000_a.down.sql")]).count == 2)
  }

  @Test func noMigrationsAreASetToo() throws {
    #expect(try MigrationSet(files: []).migrations.isEmpty)
  }
}
