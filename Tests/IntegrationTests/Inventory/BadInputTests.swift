import Checkers
import FoundationEssentials
import HTTPTypes
import NIOCore
import Seams
import ServiceKit
import Testing

@Suite("Bad input over HTTP on PostgreSQL", .timeLimit(.minutes(1)))
struct BadInputTests {
  private static let tables = [
    "inventory_items", "reservations", "reservation_items", "stock_movements", "outbox", "idempotency_keys",
  ]

  /// What the tables hold, down to the last bit.
  private static func contents(of database: LiveDatabase) async throws -> [String] {
    var digests: [String] = []
    for table in tables {
      let digest = SQLStatement(
        trusted: "SELECT md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) AS digest FROM \(table) AS t")
      digests.append(try await database.rows(digest)[0].decode("digest"))
    }
    return digests
  }

  @Test func everyBadRequestIsRefusedByItsCodeAndChangesNothing() async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database) { inventory in
        let product = try await inventory.seed(products: 2, quantity: 10)[0]
        #expect(try await inventory.clients[0].reserve([product]).status == 200)
        let before = try await Self.contents(of: database)
        for input in BadInput.all {
          var fields = HTTPFields()
          fields[.contentType] = input.mediaType
          let answer = try await inventory.clients[0].send(input.method, input.path, input.body, fields: fields)
          Self.expectProblem(answer, input)
          #expect(try await Self.contents(of: database) == before, "\(input.name)")
        }
        #expect(try await inventory.clients[0].reserve([product]).status == 200)
      }
    }
  }

  private static func expectProblem(_ answer: LiveAnswer, _ input: BadInput) {
    #expect(answer.outcome == input.outcome, "\(input.name)")
    #expect(answer.fields[.contentType] == "application/problem+json", "\(input.name)")
    #expect(answer.json["status"]?.integer == answer.status, "\(input.name)")
    #expect(answer.json["type"]?.string == "urn:zoco:problem:\(answer.code)", "\(input.name)")
    let id = answer.json["correlationId"]?.string
    #expect(id != nil && id == HTTPField.Name("X-Correlation-ID").flatMap { answer.fields[$0] }, "\(input.name)")
    let named = (answer.json["errors"]?.array ?? []).compactMap { $0["field"]?.string }
    #expect(named == input.fields, "\(input.name)")
  }

  @Test(arguments: UnreadableHTTPRequest.allCases)
  func bytesThatAreNoRequestAreAnsweredWithAProblem(_ kind: UnreadableHTTPRequest) async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database) { inventory in
        let field = kind == .malformed ? "bad name: x" : "X-Large: " + String(repeating: "x", count: 40_000)
        let answer = try await RawConnection.to(inventory.addresses[0]) { connection in
          try await connection.send("GET /inventory/stats HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
          return try await connection.readToEnd()
        }
        let code = kind == .malformed ? "malformed_request" : "header_fields_too_large"
        #expect(answer.hasPrefix("HTTP/1.1 \(kind.status.code) "))
        #expect(answer.contains("\"code\":\"\(code)\""))
        let ids = answer.matches(of: /(?i:x-correlation-id: |"correlationId":")([0-9a-f-]{36})/).map(\.output.1)
        #expect(ids.count == 2 && Set(ids).count == 1, "\(answer)")
      }
    }
  }

  @Test func aBodyOfExactly64KiBIsRead() async throws {
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database) { inventory in
        _ = try await inventory.seed(products: 1, quantity: 10)
        let answer = try await inventory.clients[0].send(
          .post, "/inventory/reserve", .bytes(ByteBuffer(string: BadInput.padded(to: 65_536))),
          fields: [.contentType: "application/json"])
        #expect(answer.status == 200)
      }
    }
  }

  @Test func sqlThatMayBeStoredIsStoredAsItIs() async throws {
    let key = "'); DROP TABLE idempotency_keys; SELECT ('\"\\$1%s"
    try await LiveDatabase.with { database in
      try await LiveInventory.run(on: database) { inventory in
        let product = try await inventory.seed(products: 1, quantity: 10)[0]
        for _ in 1...2 {
          let answer = try await inventory.clients[0].perform(.replenish(productId: product, quantity: 5, key: key))
          #expect(answer.status == 200 && answer.json["quantity"]?.integer == 15)
        }
      }
      #expect(try await database.rows("SELECT key FROM idempotency_keys").map { try $0.decode("key") } == [key])
    }
  }
}
