import Seams

/// The few views of `information_schema` and `pg_catalog` that schema comparisons and tests read.
final class SystemCatalog: QueryPlan {
  private let produce: (Session) -> [[Datum]]

  private init(_ names: [(String, SQLType)], _ produce: @escaping (Session) -> [[Datum]]) {
    self.produce = produce
    super.init(columns: names.map { PlanColumn(name: $0.0, type: $0.1) })
  }

  override func rows(_ context: ExecutionContext, parent: Frame?, limit: Int?) throws -> [[Datum]] {
    produce(context.activeSession)
  }

  static func shortName(_ name: String) -> String {
    name.hasPrefix("information_schema.") ? String(name.dropFirst("information_schema.".count)) : name
  }

  /// The view of that name, `nil` when there is none.
  static func plan(_ name: String, _ session: Session) -> QueryPlan? {
    switch name {
    case "information_schema.tables":
      return SystemCatalog([("table_schema", .text), ("table_name", .text), ("table_type", .text)]) { session in
        tables(session).map { [.text("public"), .text($0.name), .text("BASE TABLE")] }
      }
    case "pg_tables":
      return SystemCatalog([("schemaname", .text), ("tablename", .text)]) { session in
        tables(session).map { [.text("public"), .text($0.name)] }
      }
    case "information_schema.columns":
      return SystemCatalog([
        ("table_schema", .text), ("table_name", .text), ("column_name", .text), ("ordinal_position", .int4),
        ("is_nullable", .text), ("data_type", .text), ("udt_name", .text), ("is_identity", .text),
        ("character_maximum_length", .int4),
      ]) { session in tables(session).flatMap { columnRows($0) } }
    case "information_schema.table_constraints":
      return SystemCatalog([
        ("table_schema", .text), ("table_name", .text), ("constraint_name", .text), ("constraint_type", .text),
      ]) { session in tables(session).flatMap { constraintRows($0) } }
    case "pg_indexes":
      return SystemCatalog([
        ("schemaname", .text), ("tablename", .text), ("indexname", .text), ("indexdef", .text),
      ]) { session in
        tables(session).flatMap { table in
          table.indexes.map { [.text("public"), .text(table.name), .text($0.name), .text(definition($0))] }
        }
      }
    case "pg_stat_activity":
      return SystemCatalog([
        ("pid", .int4), ("state", .text), ("wait_event_type", .text), ("application_name", .text),
      ]) { session in
        session.database.sessions.map { other in
          let state =
            other.isRunning
            ? "active"
            : other.block == .none
              ? "idle" : other.block == .failed ? "idle in transaction (aborted)" : "idle in transaction"
          return [
            .int(Int64(other.pid)), .text(state), other.waiter == nil ? .null : .text("Lock"),
            .text(other.settings.others["application_name"] ?? ""),
          ]
        }
      }
    default: return nil
    }
  }

  private static func tables(_ session: Session) -> [Table] {
    session.database.tables.keys.sorted().compactMap { session.database.table(named: $0, for: session.transaction) }
  }

  private static func columnRows(_ table: Table) -> [[Datum]] {
    table.columns.enumerated().filter { !$1.isDropped }.map { index, column in
      [
        .text("public"), .text(table.name), .text(column.name), .int(Int64(index + 1)),
        .text(column.notNull ? "NO" : "YES"), .text(column.type.isArray ? "ARRAY" : column.type.base.formatted),
        .text(column.type.isArray ? "_" + column.type.base.name : column.type.base.name),
        .text(column.identityAlways == nil ? "NO" : "YES"),
        column.type.base == .varchar && column.type.modifier >= 0 ? .int(Int64(column.type.modifier)) : .null,
      ]
    }
  }

  private static func constraintRows(_ table: Table) -> [[Datum]] {
    var rows: [[Datum]] = []
    func add(_ name: String, _ kind: String) {
      rows.append([.text("public"), .text(table.name), .text(name), .text(kind)])
    }
    for index in table.indexes where index.isConstraint {
      add(index.name, index.role == .primaryKey ? "PRIMARY KEY" : "UNIQUE")
    }
    for key in table.foreignKeys { add(key.name, "FOREIGN KEY") }
    for check in table.checks { add(check.name, "CHECK") }
    return rows
  }

  static func definition(_ index: Index) -> String {
    let columns = index.columns.enumerated().map { place, column in
      index.table.columns[column].name + (index.entries.descending[place] ? " DESC" : "")
    }
    var text = "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX \(index.name) ON public.\(index.table.name) "
    text += "USING btree (\(columns.joined(separator: ", ")))"
    if let condition = index.conditionText { text += " WHERE (\(condition))" }
    return text
  }
}

extension Database {
  /// The committed schema, one line for each table, column, index and constraint, sorted: equal for equal schemas.
  public func schemaDescription() -> String {
    var lines: [String] = []
    for table in committedTables {
      for column in table.columns where !column.isDropped {
        var line = "\(table.name).\(column.name) \(column.type.fullDescription)"
        if column.notNull { line += " NOT NULL" }
        if let text = column.defaultText { line += " DEFAULT \(text)" }
        if let always = column.identityAlways { line += " IDENTITY \(always ? "ALWAYS" : "BY DEFAULT")" }
        lines.append(line)
      }
      for index in table.indexes { lines.append("\(table.name): \(SystemCatalog.definition(index))") }
      for check in table.checks { lines.append("\(table.name): CONSTRAINT \(check.name) CHECK (\(check.text))") }
      for key in table.foreignKeys {
        let columns = key.columns.map { table.columns[$0].name }.joined(separator: ", ")
        let parents = key.parentColumns.map { key.parent.columns[$0].name }.joined(separator: ", ")
        lines.append(
          "\(table.name): CONSTRAINT \(key.name) FOREIGN KEY (\(columns)) REFERENCES \(key.parent.name)(\(parents)) "
            + "ON DELETE \(key.onDelete)")
      }
    }
    return lines.sorted().joined(separator: "\n")
  }
}
