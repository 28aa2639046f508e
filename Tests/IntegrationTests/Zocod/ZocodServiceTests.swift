import Checkers
import FoundationEssentials
import HTTPLive
import HTTPTypes
import Inventory
import NIOCore
import Postgres
import Seams
import ServiceKit
import Testing

/// `zocod inventory` as its users meet it: a process behind a socket.
@Suite("zocod inventory serves until it is told to stop", .timeLimit(.minutes(2)))
struct ZocodServiceTests {
  /// Runs `body` with the service, five products in its database, and a client.
  private func serving(
    _ body: (LiveDatabase, ZocodProcess, LiveClient, LiveHTTPServerAddress) async throws -> Void
  ) async throws {
    try await LiveDatabase.with { database in
      try await database.migrate()
      let settings = try database.zocodSettings
      let seeded = try await ZocodProcess.run(["seed", "--products", "5"], settings: settings)
      #expect(seeded.status == 0, "\(seeded.log)")
      let transport = LiveHTTPTransport(clock: database.clock)
      let outcome: Result<Void, any Error>
      do {
        try await ZocodProcess.serving(settings: settings) { process, address in
          try await body(database, process, LiveClient(transport: transport, authority: "\(address)"), address)
        }
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      try await transport.shutdown()
      try outcome.get()
      #expect(try await database.discrepancies() == [])
    }
  }

  @Test func itIsReadyReservesAndEndsWithZero() async throws {
    try await serving { database, process, client, _ in
      let ready = try await client.send(.get, "/health/ready")
      #expect(ready.status == 200 && ready.json["status"]?.string == "ready")
      let product = InventorySeeder.productId(1)
      let reserved = try await client.reserve([product])
      #expect(reserved.status == 200 && reserved.json["status"]?.string == "pending")
      let confirmed = try await client.perform(.confirm(reservationId: #require(reserved.reservationId)))
      #expect(confirmed.status == 200 && confirmed.json["status"]?.string == "confirmed")
      let item = try await client.perform(.readItem(productId: product))
      #expect(item.json["quantity"]?.integer == 999 && item.json["reserved"]?.integer == 0)

      process.terminate()
      let end = await process.end()
      #expect(end.status == 0, "\(end.log)")
      #expect(try !end.mentions(database.password))
      let events = try end.log.split(separator: "\n").map { try StrictJSON.parse(ByteBuffer(string: String($0))) }
      #expect(events.allSatisfy { $0["time"] != nil && $0["level"] != nil && $0["message"] != nil })
      #expect(events.last?["message"]?.string == "stopped")
      #expect(end.output.isEmpty)
    }
  }

  @Test func aSignalFinishesWhatIsUnderWay() async throws {
    try await serving { database, process, client, address in
      let products = (1...2).map(InventorySeeder.productId)
      let holder = try await database.connector.connect(deadline: LiveDatabase.soon())
      defer { holder.close() }
      _ = try await holder.executeBatch(
        ["BEGIN", "SELECT 1 FROM inventory_items WHERE product_id = ANY(\(products)::uuid[]) FOR UPDATE"],
        deadline: LiveDatabase.soon())
      async let reserved = client.reserve([products[0]])
      async let updated = client.perform(.put(productId: products[1], quantity: 2000, version: 1))
      try await database.untilLocksAreAwaited(by: 2)

      process.terminate()
      await RawConnection.untilRefused(address)
      _ = try await holder.execute("COMMIT", deadline: LiveDatabase.soon())
      let answers = try await [reserved, updated]
      #expect(answers.map(\.outcome) == ["200", "200"])
      #expect(answers.allSatisfy { $0.fields[.connection] == "close" })
      let end = await process.end()
      #expect(end.status == 0, "\(end.log)")
      #expect(try await database.count("SELECT count(*) FROM reservations WHERE status = 'pending'") == 1)
      #expect(try await database.count("SELECT max(quantity) FROM inventory_items") == 2000)
    }
  }

  @Test func anAddressThatCannotBeHadIsAWrongSetting() async throws {
    try await serving { database, _, _, address in
      for (variable, value, message) in [
        ("INVENTORY_PORT", "\(address.port)", "port \(address.port) is in use: "),
        ("INVENTORY_HOST", "no-such-host.invalid", "cannot listen on \"no-such-host.invalid\": no such host is known"),
      ] {
        let settings = try database.zocodSettings.merging([variable: value]) { $1 }
        let end = try await ZocodProcess.run(["inventory"], settings: settings)
        #expect(end.status == 78, "\(end.log)")
        #expect(end.log.contains("  \(variable): \(message)"), "\(end.log)")
      }
    }
  }

  @Test func whatTakesTooLongIsGivenUpAndCanBeSentAgain() async throws {
    try await LiveDatabase.with { database in
      try await database.migrate()
      var settings = try database.zocodSettings
      _ = try await ZocodProcess.run(["seed", "--products", "1"], settings: settings)
      settings["SHUTDOWN_TIMEOUT"] = "200"
      let holder = try await database.connector.connect(deadline: LiveDatabase.soon())
      defer { holder.close() }
      _ = try await holder.executeBatch(
        ["BEGIN", "SELECT 1 FROM inventory_items FOR UPDATE"], deadline: LiveDatabase.soon())
      try await ZocodProcess.serving(settings: settings) { process, address in
        try await RawConnection.to(address) { connection in
          let body = "{\"quantity\": 5, \"version\": 1}"
          try await connection.send(
            "PUT /inventory/\(InventorySeeder.productId(1).canonicalText) HTTP/1.1\r\nHost: a\r\n"
              + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
          try await database.untilLocksAreAwaited(by: 1)
          process.terminate()
          // It does not wait for the holder, which still holds.
          _ = try? await connection.readToEnd()
        }
        let end = await process.end()
        #expect(end.status == 1 && end.log.contains("SHUTDOWN_TIMEOUT"), "\(end.log)")
      }
      _ = try await holder.execute("COMMIT", deadline: LiveDatabase.soon())
      #expect(try await database.count("SELECT quantity FROM inventory_items") == 1000)
    }
  }
}
