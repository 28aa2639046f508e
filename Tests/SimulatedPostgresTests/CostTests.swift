import Seams
import SimulatedPostgres
import SimulationKernel
import Testing

@Suite struct CostTests {
  /// A hot row is updated many times: versions, index entries and locks do not pile up.
  @Test func aHotRowStaysOneRow() {
    Laboratory().run { client in
      let connection = try await client.connect()
      try await connection.script("CREATE TABLE h (id int PRIMARY KEY, n int NOT NULL, u int UNIQUE)")
      try await connection.run("INSERT INTO h VALUES (1, 0, 0)")
      for round in 1...2_000 {
        try await connection.run("UPDATE h SET n = n + 1, u = $1 WHERE id = 1", .int(Int64(round)))
      }
      #expect(try await connection.run("SELECT n, u FROM h WHERE id = 1") == [["2000", "2000"]])
      #expect(client.server.database.storedVersions(of: "h") == 1)
      #expect(client.server.database.storedIndexEntries(of: "h") == 2)
    }
  }

  @Test func versionsLiveAsLongAsASnapshotNeedsThem() {
    Laboratory().run { client in
      let (reader, writer) = (try await client.connect(), try await client.connect())
      try await writer.script("CREATE TABLE h (id int PRIMARY KEY, n int NOT NULL); INSERT INTO h VALUES (1, 0)")
      try await reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
      #expect(try await reader.run("SELECT n FROM h") == [["0"]])
      for _ in 1...10 { try await writer.run("UPDATE h SET n = n + 1") }
      try await writer.run("DELETE FROM h")
      #expect(try await reader.run("SELECT n FROM h") == [["0"]])
      #expect(client.server.database.storedVersions(of: "h") == 11)
      try await reader.run("COMMIT")
      #expect(client.server.database.storedVersions(of: "h") == 0)
    }
  }
}
