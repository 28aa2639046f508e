/// A statement as it was written.
indirect enum StatementSyntax {
  case query(QuerySyntax)
  case insert(InsertSyntax)
  case update(UpdateSyntax)
  case delete(DeleteSyntax)
  case createTable(CreateTableSyntax)
  case createIndex(CreateIndexSyntax)
  case alterTable(name: String, ifExists: Bool, actions: [AlterTableAction], position: Int)
  case drop(DropSyntax)
  case truncate([(name: String, position: Int)], restartIdentity: Bool, cascade: Bool)
  case lockTable([(name: String, position: Int)], LockMode, noWait: Bool)
  case comment
  case begin(IsolationLevel?, readOnly: Bool?)
  case setTransaction(IsolationLevel?, readOnly: Bool?)
  case commit
  case rollback
  case savepoint(String)
  case rollbackTo(String)
  case release(String)
  case set(name: String, value: String?, isLocal: Bool, position: Int)
  case show(String, position: Int)

  /// Whether it changes rows or the catalog.
  var modifies: Bool {
    switch self {
    case .query(let query): query.with.contains { $0.statement.modifies }
    case .insert, .update, .delete, .createTable, .createIndex, .alterTable, .drop, .truncate: true
    default: false
    }
  }
}

enum IsolationLevel: String {
  case readCommitted = "read committed"
  case repeatableRead = "repeatable read"
}

final class InsertSyntax {
  enum Source {
    case query(QuerySyntax)
    case defaultValues
  }

  var with: [CommonTableSyntax] = []
  var table = ""
  var alias: String?
  var position = 0
  var columns: [(name: String, position: Int)] = []
  var source = Source.defaultValues
  var overridingSystem = false
  var conflict: ConflictSyntax?
  var returning: [TargetSyntax] = []
}

struct ConflictSyntax {
  var columns: [(name: String, position: Int)] = []
  var indexCondition: ExpressionSyntax?
  var constraint: String?
  /// `nil`: DO NOTHING.
  var assignments: [AssignmentSyntax]?
  var condition: ExpressionSyntax?
  var position: Int
}

struct AssignmentSyntax {
  var columns: [(name: String, position: Int)]
  var value: ExpressionSyntax
}

final class UpdateSyntax {
  var with: [CommonTableSyntax] = []
  var table = ""
  var alias: String?
  var position = 0
  var assignments: [AssignmentSyntax] = []
  var from: [FromSyntax] = []
  var condition: ExpressionSyntax?
  var returning: [TargetSyntax] = []
}

final class DeleteSyntax {
  var with: [CommonTableSyntax] = []
  var table = ""
  var alias: String?
  var position = 0
  var using: [FromSyntax] = []
  var condition: ExpressionSyntax?
  var returning: [TargetSyntax] = []
}

struct ColumnDefinitionSyntax {
  var name: String
  var type: TypeSyntax
  var serial = false
  /// `true`: ALWAYS, `false`: BY DEFAULT, `nil`: no identity.
  var identityAlways: Bool?
  var notNull = false
  var defaultValue: ExpressionSyntax?
  var constraints: [ConstraintSyntax] = []
  var position: Int
}

struct ConstraintSyntax {
  enum Kind {
    case primaryKey([String])
    case unique([String])
    case check(ExpressionSyntax, text: String)
    case foreignKey([String], table: String, columns: [String], onDelete: ForeignKeyAction)
  }

  var name: String?
  var kind: Kind
  var position: Int
}

enum ForeignKeyAction {
  case noAction, restrict, cascade, setNull
}

struct CreateTableSyntax {
  var name: String
  var ifNotExists: Bool
  var columns: [ColumnDefinitionSyntax]
  var constraints: [ConstraintSyntax]
  var position: Int
}

struct CreateIndexSyntax {
  var name: String?
  var ifNotExists: Bool
  var isUnique: Bool
  var table: String
  var columns: [(name: String, descending: Bool, position: Int)]
  var condition: ExpressionSyntax?
  var conditionText: String?
  var position: Int
}

enum AlterTableAction {
  case addColumn(ColumnDefinitionSyntax, ifNotExists: Bool)
  case dropColumn(String, ifExists: Bool)
  case addConstraint(ConstraintSyntax)
  case dropConstraint(String, ifExists: Bool)
  case setDefault(String, ExpressionSyntax?)
  case setNotNull(String, Bool)
  case renameTable(String)
  case renameColumn(String, String)
}

struct DropSyntax {
  enum Kind {
    case table, index, sequence
  }

  var kind: Kind
  var names: [(name: String, position: Int)]
  var ifExists: Bool
  var cascade: Bool
}
