import Seams

/// A schema as the catalogue's views show it on both engines: one line for each table, column, constraint and index.
enum SchemaReader {
  private static let columns: SQLStatement = """
    SELECT table_name::text AS a, column_name::text AS b, data_type::text AS c, udt_name::text AS d,
      is_nullable::text AS e, is_identity::text AS f
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position
    """
  private static let constraints: SQLStatement = """
    SELECT table_name::text AS a, constraint_type::text AS b, constraint_name::text AS c
    FROM information_schema.table_constraints WHERE table_schema = 'public'
    """
  private static let indexes: SQLStatement = """
    SELECT tablename::text AS a, indexdef::text AS b FROM pg_indexes WHERE schemaname = 'public'
    """

  /// The schema of the database that `connector` reaches, without what the migrator itself keeps.
  static func read(_ connector: any SQLConnector, deadline: MonotonicInstant) async throws -> [String] {
    let connection = try await connector.connect(deadline: deadline)
    defer { connection.close() }
    var lines: [String] = []
    for (kind, query) in [("column", columns), ("constraint", constraints), ("index", indexes)] {
      for row in try await connection.execute(query, deadline: deadline).rows {
        let fields = try row.columns.columns.map { try row.decode($0.name, as: String.self) }
        guard fields[0] != "schema_migrations", !isNotNull(kind, fields) else { continue }
        lines.append(kind + " " + fields.map(normalized).joined(separator: " "))
      }
    }
    // Columns stay in their order, the others have none.
    return lines.filter { $0.hasPrefix("column") } + lines.filter { !$0.hasPrefix("column") }.sorted()
  }

  /// PostgreSQL lists NOT NULL among the CHECKs, under names made of OIDs; `is_nullable` has said it already.
  private static func isNotNull(_ kind: String, _ fields: [String]) -> Bool {
    kind == "constraint" && fields[2].hasSuffix("_not_null")
  }

  /// A definition without the casts, parentheses and quotation marks that PostgreSQL adds when it prints it.
  private static func normalized(_ text: String) -> String {
    text.replacing("::text", with: "").filter { !"()\"".contains($0) }
  }
}
