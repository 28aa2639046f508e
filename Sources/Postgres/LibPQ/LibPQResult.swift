internal import CLibPQ
internal import Glibc
internal import Seams

/// The codes by which a result's error fields are asked for (`PG_DIAG_…`, which are C characters).
enum LibPQField {
  static let severity = Int32(UInt8(ascii: "V"))
  static let sqlState = Int32(UInt8(ascii: "C"))
  static let message = Int32(UInt8(ascii: "M"))
  static let detail = Int32(UInt8(ascii: "D"))
  static let hint = Int32(UInt8(ascii: "H"))
  static let position = Int32(UInt8(ascii: "P"))
  static let table = Int32(UInt8(ascii: "t"))
  static let column = Int32(UInt8(ascii: "c"))
  static let constraint = Int32(UInt8(ascii: "n"))
  static let function = Int32(UInt8(ascii: "R"))
}

/// The one owner of a `PGresult`; its `deinit` frees it.
///
/// `@unchecked Sendable`: nothing writes to a result once libpq has handed it out.
final class LibPQResult: @unchecked Sendable {
  enum Kind { case success, failure, skipped, sync, copy }

  private let pointer: OpaquePointer
  let kind: Kind

  init(_ pointer: OpaquePointer) {
    self.pointer = pointer
    switch PQresultStatus(pointer) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: kind = .success
    case PGRES_PIPELINE_SYNC: kind = .sync
    case PGRES_PIPELINE_ABORTED: kind = .skipped
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: kind = .copy
    default: kind = .failure
    }
  }

  deinit { PQclear(pointer) }

  // MARK: - Errors

  /// An error field, `nil` when the server left it out.
  func field(_ code: Int32) -> String? { PQresultErrorField(pointer, code).map { String(cString: $0) } }

  /// Whether the server closes the connection after this error.
  var isFatal: Bool {
    let severity = field(LibPQField.severity)
    return severity == "FATAL" || severity == "PANIC"
  }

  /// Whether the error comes from a prepared statement whose name or result no longer holds.
  var isStalePlan: Bool {
    switch field(LibPQField.sqlState) {
    case "26000": true
    // "cached plan must not change result type" shares its SQLSTATE with every unsupported feature; the server's
    // function tells them apart in every language (src/backend/utils/cache/plancache.c).
    case "0A000": field(LibPQField.function) == "RevalidateCachedQuery"
    default: false
    }
  }

  /// The error with all the fields the server sent.
  var error: SQLError {
    guard let state = field(LibPQField.sqlState) else {
      let message = LibPQConnection.trimmed(String(cString: PQresultErrorMessage(pointer)))
      return SQLError(.connectionLost, message: message)
    }
    var error = SQLError(.server, sqlState: SQLState(state), message: field(LibPQField.message) ?? "")
    error.detail = field(LibPQField.detail)
    error.hint = field(LibPQField.hint)
    error.table = field(LibPQField.table)
    error.column = field(LibPQField.column)
    error.constraint = field(LibPQField.constraint)
    error.position = field(LibPQField.position).flatMap { Int($0) }
    return error
  }

  // MARK: - Rows

  var columnCount: Int32 { PQnfields(pointer) }

  /// Whether the command tag says that a transaction was committed. COMMIT of a failed transaction says ROLLBACK.
  var isCommit: Bool {
    guard let tag = PQcmdStatus(pointer) else { return false }
    return tag[0] == 67 && strcmp(tag, "COMMIT") == 0
  }

  var rowCount: Int {
    guard let text = PQcmdTuples(pointer) else { return 0 }
    var count = 0
    var cursor = text
    while cursor.pointee != 0 {
      count = count * 10 + Int(cursor.pointee) - 48
      cursor += 1
    }
    return count
  }

  /// Whether the result has exactly these columns.
  func matches(_ shape: ResultShape) -> Bool {
    guard Int(PQnfields(pointer)) == shape.decoders.count else { return false }
    for index in 0..<shape.decoders.count {
      let field = Int32(index)
      guard PQftype(pointer, field) == shape.oids[index], let name = PQfname(pointer, field) else { return false }
      var bytes = shape.columns.columns[index].name.utf8.makeIterator()
      var cursor = name
      while cursor.pointee != 0 {
        guard let byte = bytes.next(), byte == UInt8(bitPattern: cursor.pointee) else { return false }
        cursor += 1
      }
      guard bytes.next() == nil else { return false }
    }
    return true
  }

  var shape: ResultShape {
    let fields = 0..<PQnfields(pointer)
    let names = fields.map { PQfname(pointer, $0).map { String(cString: $0) } ?? "" }
    return ResultShape(names: names, oids: fields.map { PQftype(pointer, $0) })
  }

  func rows(_ shape: ResultShape) -> [SQLRow] {
    let count = PQntuples(pointer)
    guard count > 0 else { return [] }
    var rows: [SQLRow] = []
    rows.reserveCapacity(Int(count))
    for row in 0..<count {
      let values = [SQLValue](unsafeUninitializedCapacity: shape.decoders.count) { buffer, initialized in
        for column in 0..<shape.decoders.count {
          (buffer.baseAddress! + column).initialize(to: value(row, Int32(column), shape.decoders[column]))
          initialized += 1
        }
      }
      rows.append(SQLRow(columns: shape.columns, values: values))
    }
    return rows
  }

  private func value(_ row: Int32, _ column: Int32, _ decoder: ValueDecoder) -> SQLValue {
    let length = Int(PQgetlength(pointer, row, column))
    if length == 0, PQgetisnull(pointer, row, column) != 0 { return .null }
    guard let bytes = PQgetvalue(pointer, row, column) else { return .null }
    return bytes.withMemoryRebound(to: UInt8.self, capacity: length) {
      decoder.decode(UnsafeBufferPointer(start: $0, count: length))
    }
  }
}

/// The columns of a statement's result and how to read them: made once for a prepared statement, shared by its rows.
struct ResultShape: Sendable {
  let columns: SQLColumns
  let oids: [UInt32]
  let decoders: [ValueDecoder]

  init(names: [String], oids: [UInt32]) {
    self.oids = oids
    decoders = oids.map(ValueDecoder.init(oid:))
    columns = SQLColumns(
      zip(names, oids).map { SQLColumns.Column(name: $0, typeName: PostgresType.name(ofOID: $1)) })
  }
}
