import Seams

extension Session {
  /// DDL, TRUNCATE and LOCK TABLE: all of it is undone with its transaction.
  func define(_ statement: StatementSyntax) async throws {
    switch statement {
    case .createTable(let syntax): try await createTable(syntax)
    case .createIndex(let syntax): try await createIndex(syntax)
    case .alterTable(let name, let ifExists, let actions, let position):
      guard let table = try existing(name, ifExists: ifExists, at: position) else { return }
      _ = try await lock(table, .accessExclusive)
      for action in actions { try await alter(table, action) }
    case .drop(let syntax): try await drop(syntax)
    case .truncate(let names, let restartIdentity, let cascade):
      try await truncate(names, restartIdentity: restartIdentity, cascade: cascade)
    case .lockTable(let names, let mode, let noWait):
      for (name, position) in names {
        guard let table = try existing(name, ifExists: false, at: position) else { continue }
        if try await !lock(table, mode, wait: !noWait) {
          throw Failure.make(.lockNotAvailable, "could not obtain lock on relation \"\(name)\"")
        }
      }
    case .comment: return
    default: throw Failure.unsupported("this statement")
    }
  }

  func existing(_ name: String, ifExists: Bool, at position: Int?) throws -> Table? {
    if let table = database.table(named: name, for: transaction) { return table }
    if ifExists { return nil }
    throw Failure.make("42P01", "relation \"\(name)\" does not exist", at: position)
  }

  /// Notes how to take a change of the catalog back.
  func changed(undo: @escaping () -> Void) {
    guard let transaction else { return }
    transaction.changedCatalog = true
    database.catalogVersion += 1
    transaction.undo.append(.catalog(undo))
  }

  // MARK: CREATE TABLE

  private func createTable(_ syntax: CreateTableSyntax) async throws {
    if database.table(named: syntax.name, for: transaction) != nil
      || database.index(named: syntax.name, for: transaction) != nil
    {
      if syntax.ifNotExists { return }
      throw Failure.make("42P07", "relation \"\(syntax.name)\" already exists")
    }
    let table = database.newTable(syntax.name, [])
    for definition in syntax.columns { try addColumn(definition, to: table) }
    table.creator = transaction
    _ = try await lock(table, .accessExclusive)
    database.register(table)
    let database = database
    changed { database.unregister(table) }
    transaction?.commitActions.append { table.creator = nil }
    // Keys first: a foreign key may refer to the table itself.
    let constraints = syntax.columns.flatMap(\.constraints) + syntax.constraints
    for constraint in constraints {
      if case .primaryKey = constraint.kind { try await add(constraint, to: table) }
    }
    for constraint in constraints {
      if case .primaryKey = constraint.kind { continue }
      if case .foreignKey = constraint.kind { continue }
      try await add(constraint, to: table)
    }
    for constraint in constraints {
      if case .foreignKey = constraint.kind { try await add(constraint, to: table) }
    }
  }

  private func addColumn(_ definition: ColumnDefinitionSyntax, to table: Table) throws {
    if table.column(named: definition.name) != nil {
      throw Failure.make("42701", "column \"\(definition.name)\" specified more than once")
    }
    let binder = Binder(session: self, parameterCount: 0)
    let type = try binder.type(definition.type)
    let column = Column(name: definition.name, type: type, notNull: definition.notNull)
    try setDefault(definition.defaultValue, of: column, binder)
    if definition.serial || definition.identityAlways != nil {
      let limit: Int64 = type.base == .int2 ? Int64(Int16.max) : type.base == .int4 ? Int64(Int32.max) : .max
      column.sequence = SequenceGenerator(name: "\(table.name)_\(definition.name)_seq", limit: limit)
      column.identityAlways = definition.identityAlways
    }
    table.columns.append(column)
  }

  func setDefault(_ syntax: ExpressionSyntax?, of column: Column, _ binder: Binder) throws {
    guard let syntax else {
      column.defaultValue = nil
      return
    }
    let value = try binder.bind(syntax, Scope(parent: nil))
    guard let converted = try binder.coerce(value, to: column.type, .assignment) else {
      throw Failure.make(
        "42804",
        "column \"\(column.name)\" is of type \(column.type) but default expression is of type \(value.type)",
        hint: "You will need to rewrite or cast the expression.")
    }
    column.defaultValue = converted
    column.defaultText = value.signature ?? "expression"
  }

  // MARK: Constraints

  func add(_ constraint: ConstraintSyntax, to table: Table) async throws {
    if let name = constraint.name {
      let isTaken =
        table.checks.contains { $0.name == name } || table.foreignKeys.contains { $0.name == name }
        || table.indexes.contains { $0.name == name && $0.isConstraint }
      if isTaken {
        throw Failure.make("42710", "constraint \"\(name)\" for relation \"\(table.name)\" already exists")
      }
    }
    switch constraint.kind {
    case .primaryKey(let names):
      if table.primaryKey != nil {
        throw Failure.make("42P16", "multiple primary keys for table \"\(table.name)\" are not allowed")
      }
      let columns = try columns(names, of: table)
      for column in columns where !table.columns[column].notNull { try setNotNull(table, column, true) }
      try addIndex(constraint.name ?? freeName("\(table.name)_pkey"), table, columns, role: .primaryKey)
    case .unique(let names):
      let name = constraint.name ?? freeName("\(table.name)_\(names.joined(separator: "_"))_key")
      try addIndex(name, table, try columns(names, of: table), role: .uniqueConstraint)
    case .check(let syntax, let text): try addCheck(constraint.name, syntax, text, table)
    case .foreignKey(let names, let parent, let parentNames, let onDelete):
      try await addForeignKey(constraint.name, table, names, parent, parentNames, onDelete)
    }
  }

  func columns(_ names: [String], of table: Table) throws -> [Int] {
    try names.map { name in
      guard let column = table.column(named: name) else {
        throw Failure.make("42703", "column \"\(name)\" named in key does not exist")
      }
      return column
    }
  }

  /// The name, or the first with a number behind it that is free (PostgreSQL's `ChooseRelationName`).
  func freeName(_ base: String) -> String {
    var candidate = base
    var number = 0
    while database.index(named: candidate, for: transaction) != nil
      || database.table(named: candidate, for: transaction) != nil
    {
      number += 1
      candidate = "\(base)\(number)"
    }
    return candidate
  }

  private func addCheck(_ given: String?, _ syntax: ExpressionSyntax, _ text: String, _ table: Table) throws {
    let binder = Binder(session: self, parameterCount: 0)
    let scope = Scope(parent: nil)
    _ = try scope.add(Scope.Source(name: table.name, columns: Scope.columns(of: table), table: table), at: 0)
    let condition = try binder.condition(try binder.bind(syntax, scope), "CHECK", at: syntax.position)
    var name = given ?? ""
    if given == nil {
      // One column gives its name to the constraint.
      let used = (0..<table.columns.count).filter { Session.reads($0, condition) }
      let base = used.count == 1 ? "\(table.name)_\(table.columns[used[0]].name)_check" : "\(table.name)_check"
      name = base
      var number = 0
      while table.checks.contains(where: { $0.name == name }) {
        number += 1
        name = "\(base)\(number)"
      }
    }
    for row in table.heap {
      guard let row, let version = Snapshot.latest(self).version(of: row) else { continue }
      if case .bool(false) = try condition.evaluate(Frame.row(version.values)) {
        throw Failure.constraint(
          .checkViolation, "check constraint \"\(name)\" of relation \"\(table.name)\" is violated by some row",
          table: table.name, constraint: name)
      }
    }
    let old = table.checks
    table.checks.append(CheckConstraint(name: name, condition: condition, text: text))
    table.checks.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    changed { table.checks = old }
  }

  private static func reads(_ column: Int, _ expression: BoundExpression) -> Bool {
    if let reference = expression as? ColumnExpression { return reference.column == column }
    return expression.children.contains { reads(column, $0) }
  }

  private func addForeignKey(
    _ given: String?, _ table: Table, _ names: [String], _ parentName: String, _ parentNames: [String],
    _ onDelete: ForeignKeyAction
  ) async throws {
    let columns = try columns(names, of: table)
    guard let parent = try existing(parentName, ifExists: false, at: nil) else { return }
    if parent !== table { _ = try await lock(parent, .shareRowExclusive) }
    let referenced: [Int]
    if parentNames.isEmpty {
      guard let key = parent.primaryKey else {
        throw Failure.make("42704", "there is no primary key for referenced table \"\(parentName)\"")
      }
      referenced = key.columns
    } else {
      referenced = try self.columns(parentNames, of: parent)
    }
    guard
      let index = parent.indexes.first(where: {
        $0.isUnique && $0.condition == nil && Set($0.columns) == Set(referenced)
      }), referenced.count == columns.count
    else {
      throw Failure.make(
        "42830", "there is no unique constraint matching given keys for referenced table \"\(parentName)\"")
    }
    let ordered = index.columns.map { column in columns[referenced.firstIndex(of: column) ?? 0] }
    let name = given ?? foreignKeyName(table, names)
    let key = ForeignKey(
      name: name, child: table, parent: parent, columns: ordered, parentColumns: index.columns, onDelete: onDelete)
    let snapshot = Snapshot.latest(self)
    for row in table.heap {
      guard let row, let version = snapshot.version(of: row) else { continue }
      let values = ordered.map { version.values[$0] }
      if values.contains(where: \.isNull) { continue }
      var found = false
      index.entries.forEach(prefix: values) { entry in
        found = snapshot.version(of: entry.row) != nil
        return !found
      }
      if !found {
        throw Failure.constraint(
          .foreignKeyViolation,
          "insert or update on table \"\(table.name)\" violates foreign key constraint \"\(name)\"",
          table: table.name, constraint: name,
          detail:
            "Key \(Session.describeKey(table, ordered, version.values)) is not present in table \"\(parentName)\".")
      }
    }
    table.foreignKeys.append(key)
    parent.referencedBy.append(key)
    changed {
      table.foreignKeys.removeAll { $0 === key }
      parent.referencedBy.removeAll { $0 === key }
    }
  }

  private func foreignKeyName(_ table: Table, _ names: [String]) -> String {
    let base = "\(table.name)_\(names.joined(separator: "_"))_fkey"
    var name = base
    var number = 0
    while table.foreignKeys.contains(where: { $0.name == name }) {
      number += 1
      name = "\(base)\(number)"
    }
    return name
  }
}

extension Snapshot {
  /// What a statement that begins now would see.
  static func latest(_ session: Session) -> Snapshot {
    let transaction = session.startTransaction()
    return Snapshot(
      sequence: session.database.commitSequence, transaction: transaction, command: transaction.command + 1)
  }
}
