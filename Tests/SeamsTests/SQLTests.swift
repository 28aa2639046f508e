import FoundationEssentials
import Seams
import Testing

@Suite struct SQLStatementTests {
  @Test func everyValueBecomesABindParameter() {
    let hostile = "'; DROP TABLE inventory_items; --"
    let absent: Int? = nil
    let statement: SQLStatement = "SELECT * FROM t WHERE a = \(hostile) AND b = ANY(\([1, 2])) AND c = \(absent)"
    #expect(statement.text == "SELECT * FROM t WHERE a = $1 AND b = ANY($2) AND c = $3")
    #expect(statement.parameters == [.text(hostile), .array([.int(1), .int(2)]), .null])
  }
}

@Suite struct SQLRowTests {
  private let row = SQLRow(
    columns: SQLColumns([
      .init(name: "id", typeName: "uuid"), .init(name: "quantity", typeName: "int4"),
      .init(name: "note", typeName: "text"),
    ]),
    values: [.uuid(UUID(high: 1, low: 2)), .int(7), .null])

  @Test func decodesByNameAndType() throws {
    #expect(try row.decode("id") == UUID(high: 1, low: 2))
    #expect(try row.decode("quantity") == 7)
    #expect(try row.decodeIfPresent("note", as: String.self) == nil)
  }

  @Test func anErrorNamesTheColumnAndBothTypes() {
    #expect(throws: SQLDecodingError(column: "quantity", expected: "uuid", found: "int4")) {
      try row.decode("quantity", as: UUID.self)
    }
    #expect(throws: SQLDecodingError(column: "note", expected: "text", found: "NULL")) {
      try row.decode("note", as: String.self)
    }
    #expect(
      throws: SQLDecodingError(
        column: "price", expected: "integer", found: "no such column among id, quantity, note")
    ) { try row.decode("price", as: Int.self) }
  }
}

@Suite struct SQLErrorTests {
  @Test(arguments: [
    (SQLError(.server, sqlState: .deadlockDetected, message: ""), FailureDisposition.retryable),
    (SQLError(.server, sqlState: .serializationFailure, message: ""), .retryable),
    (SQLError(.server, sqlState: .uniqueViolation, message: ""), .permanent),
    (SQLError(.connectionLost, message: ""), .retryable),
    (SQLError(.connectionLost, message: "", commitMayHaveTakenEffect: true), .ambiguous),
    (SQLError(.server, sqlState: .adminShutdown, message: "", commitMayHaveTakenEffect: true), .ambiguous),
  ])
  func saysWhetherTheTransactionMayRunAgain(error: SQLError, disposition: FailureDisposition) {
    #expect(error.disposition == disposition)
  }
}
