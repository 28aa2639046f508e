import Seams

extension Session {
  // MARK: Indexes

  func createIndex(_ syntax: CreateIndexSyntax) async throws {
    guard let table = try existing(syntax.table, ifExists: false, at: syntax.position) else { return }
    let columns = try syntax.columns.map { column -> Int in
      guard let place = table.column(named: column.name) else {
        throw Failure.make("42703", "column \"\(column.name)\" does not exist", at: column.position)
      }
      return place
    }
    let name = syntax.name ?? freeName("\(table.name)_\(syntax.columns.map(\.name).joined(separator: "_"))_idx")
    if database.index(named: name, for: transaction) != nil || database.table(named: name, for: transaction) != nil {
      if syntax.ifNotExists { return }
      throw Failure.make("42P07", "relation \"\(name)\" already exists")
    }
    _ = try await lock(table, .share)
    var condition: BoundExpression?
    if let clause = syntax.condition {
      let binder = Binder(session: self, parameterCount: 0)
      let scope = Scope(parent: nil)
      _ = try scope.add(Scope.Source(name: table.name, columns: Scope.columns(of: table), table: table), at: 0)
      condition = try binder.condition(try binder.bind(clause, scope), "WHERE", at: clause.position)
    }
    try addIndex(
      name, table, columns, descending: syntax.columns.map(\.descending), role: syntax.isUnique ? .unique : .plain,
      condition: condition, text: syntax.conditionText)
  }

  func addIndex(
    _ name: String, _ table: Table, _ columns: [Int], descending: [Bool]? = nil, role: Index.Role,
    condition: BoundExpression? = nil, text: String? = nil
  ) throws {
    if database.index(named: name, for: transaction) != nil {
      throw Failure.make("42P07", "relation \"\(name)\" already exists")
    }
    let index = Index(
      name: name, table: table, columns: columns, descending: descending ?? columns.map { _ in false }, role: role,
      condition: condition, conditionText: text)
    let snapshot = Snapshot.latest(self)
    var seen: Set<HashedRow> = []
    for row in table.heap {
      guard let row else { continue }
      if let version = snapshot.version(of: row), index.isUnique, try index.holds(version.values) {
        let key = index.key(of: version.values)
        if !key.contains(where: \.isNull), !seen.insert(HashedRow(values: key)).inserted {
          throw Failure.constraint(
            .uniqueViolation, "could not create unique index \"\(name)\"", table: table.name, constraint: name,
            detail: "Key \(Session.describeKey(table, columns, version.values)) is duplicated.")
        }
      }
      var version: RowVersion? = row.head
      while let current = version {
        if try index.holds(current.values) { index.entries.insert(index.key(of: current.values), row) }
        version = current.previous
      }
    }
    table.indexes.append(index)
    changed { table.indexes.removeAll { $0 === index } }
  }

  // MARK: ALTER TABLE

  func alter(_ table: Table, _ action: AlterTableAction) async throws {
    switch action {
    case .addColumn(let definition, let ifNotExists):
      if table.column(named: definition.name) != nil {
        if ifNotExists { return }
        throw Failure.make(
          "42701", "column \"\(definition.name)\" of relation \"\(table.name)\" already exists")
      }
      try await addColumn(definition, table)
    case .dropColumn(let name, let ifExists): try dropColumn(name, ifExists, table)
    case .addConstraint(let constraint): try await add(constraint, to: table)
    case .dropConstraint(let name, let ifExists): try dropConstraint(name, ifExists, table)
    case .setDefault(let name, let syntax):
      let column = table.columns[try place(name, table)]
      let (oldValue, oldText) = (column.defaultValue, column.defaultText)
      try setDefault(syntax, of: column, Binder(session: self, parameterCount: 0))
      changed { (column.defaultValue, column.defaultText) = (oldValue, oldText) }
    case .setNotNull(let name, let notNull): try setNotNull(table, try place(name, table), notNull)
    case .renameTable(let name):
      if database.table(named: name, for: transaction) != nil {
        throw Failure.make("42P07", "relation \"\(name)\" already exists")
      }
      let (old, database) = (table.name, database)
      database.unregister(table)
      table.name = name
      database.register(table)
      changed {
        database.unregister(table)
        table.name = old
        database.register(table)
      }
    case .renameColumn(let old, let new):
      let column = table.columns[try place(old, table)]
      if table.column(named: new) != nil {
        throw Failure.make("42701", "column \"\(new)\" of relation \"\(table.name)\" already exists")
      }
      column.name = new
      changed { column.name = old }
    }
  }

  private func place(_ name: String, _ table: Table) throws -> Int {
    guard let column = table.column(named: name) else {
      throw Failure.make("42703", "column \"\(name)\" of relation \"\(table.name)\" does not exist")
    }
    return column
  }

  private func addColumn(_ definition: ColumnDefinitionSyntax, _ table: Table) async throws {
    let binder = Binder(session: self, parameterCount: 0)
    let column = Column(name: definition.name, type: try binder.type(definition.type), notNull: definition.notNull)
    try setDefault(definition.defaultValue, of: column, binder)
    if definition.serial || definition.identityAlways != nil {
      column.sequence = SequenceGenerator(name: "\(table.name)_\(definition.name)_seq", limit: .max)
      column.identityAlways = definition.identityAlways
    }
    let context = ExecutionContext(session: self, parameters: [])
    let snapshot = Snapshot.latest(self)
    var filled: [RowVersion] = []
    for row in table.heap {
      guard let row else { continue }
      var value = Datum.null
      if let sequence = column.sequence {
        value = .int(sequence.next)
        sequence.next += 1
      } else if let expression = column.defaultValue {
        value = try expression.evaluate(Frame.row([], in: context))
      }
      if value.isNull, column.notNull, snapshot.version(of: row) != nil {
        for version in filled { version.values.removeLast() }
        throw Failure.constraint(
          .notNullViolation, "column \"\(column.name)\" of relation \"\(table.name)\" contains null values",
          table: table.name, column: column.name)
      }
      var version: RowVersion? = row.head
      while let current = version {
        current.values.append(value)
        filled.append(current)
        version = current.previous
      }
    }
    table.columns.append(column)
    changed {
      table.columns.removeLast()
      for row in table.heap {
        var version = row?.head
        while let current = version {
          current.values.removeLast()
          version = current.previous
        }
      }
    }
    for constraint in definition.constraints { try await add(constraint, to: table) }
  }

  private func dropColumn(_ name: String, _ ifExists: Bool, _ table: Table) throws {
    if ifExists, table.column(named: name) == nil { return }
    let place = try place(name, table)
    if table.referencedBy.contains(where: { $0.parentColumns.contains(place) && $0.child !== table }) {
      throw Failure.make(
        "2BP01",
        "cannot drop column \(name) of table \(table.name) because other objects depend on it",
        hint: "Use DROP ... CASCADE to drop the dependent objects too.")
    }
    let column = table.columns[place]
    let (indexes, checks, keys, notNull) = (table.indexes, table.checks, table.foreignKeys, column.notNull)
    for key in keys where key.columns.contains(place) { removeForeignKey(key) }
    table.indexes.removeAll { $0.columns.contains(place) }
    table.checks.removeAll { Session.mentions(place, $0.condition) }
    column.isDropped = true
    column.notNull = false
    changed {
      (table.indexes, table.checks, column.isDropped, column.notNull) = (indexes, checks, false, notNull)
    }
  }

  private static func mentions(_ column: Int, _ expression: BoundExpression) -> Bool {
    if let reference = expression as? ColumnExpression { return reference.column == column }
    return expression.children.contains { mentions(column, $0) }
  }

  private func removeForeignKey(_ key: ForeignKey) {
    let (child, parent) = (key.child, key.parent)
    child.foreignKeys.removeAll { $0 === key }
    parent.referencedBy.removeAll { $0 === key }
    changed {
      child.foreignKeys.append(key)
      parent.referencedBy.append(key)
    }
  }

  private func dropConstraint(_ name: String, _ ifExists: Bool, _ table: Table) throws {
    if let key = table.foreignKeys.first(where: { $0.name == name }) { return removeForeignKey(key) }
    if table.checks.contains(where: { $0.name == name }) {
      let old = table.checks
      table.checks.removeAll { $0.name == name }
      changed { table.checks = old }
      return
    }
    if let index = table.indexes.first(where: { $0.name == name && $0.isConstraint }) {
      return try removeIndex(index, "constraint \(name) on table \(table.name)")
    }
    if !ifExists {
      throw Failure.make("42704", "constraint \"\(name)\" of relation \"\(table.name)\" does not exist")
    }
  }

  private func removeIndex(_ index: Index, _ described: String) throws {
    let table = index.table
    if index.isUnique, table.referencedBy.contains(where: { $0.parentColumns == index.columns }),
      !table.indexes.contains(where: { $0 !== index && $0.isUnique && $0.columns == index.columns })
    {
      throw Failure.make(
        "2BP01", "cannot drop \(described) because other objects depend on it",
        hint: "Use DROP ... CASCADE to drop the dependent objects too.")
    }
    let old = table.indexes
    table.indexes.removeAll { $0 === index }
    changed { table.indexes = old }
  }

  func setNotNull(_ table: Table, _ place: Int, _ notNull: Bool) throws {
    let column = table.columns[place]
    if notNull {
      let snapshot = Snapshot.latest(self)
      for row in table.heap {
        guard let row, let version = snapshot.version(of: row), version.values[place].isNull else { continue }
        throw Failure.constraint(
          .notNullViolation, "column \"\(column.name)\" of relation \"\(table.name)\" contains null values",
          table: table.name, column: column.name)
      }
    }
    let old = column.notNull
    column.notNull = notNull
    changed { column.notNull = old }
  }

  // MARK: DROP and TRUNCATE

  func drop(_ syntax: DropSyntax) async throws {
    for (name, _) in syntax.names {
      switch syntax.kind {
      case .sequence: throw Failure.unsupported("DROP SEQUENCE")
      case .index:
        guard let index = database.index(named: name, for: transaction) else {
          if syntax.ifExists { continue }
          throw Failure.make("42704", "index \"\(name)\" does not exist")
        }
        if index.isConstraint {
          throw Failure.make(
            "2BP01",
            "cannot drop index \(name) because constraint \(name) on table \(index.table.name) requires it",
            hint: "You can drop constraint \(name) on table \(index.table.name) instead.")
        }
        _ = try await lock(index.table, .accessExclusive)
        try removeIndex(index, "index \(name)")
      case .table:
        guard let table = database.table(named: name, for: transaction) else {
          if syntax.ifExists { continue }
          throw Failure.make("42P01", "table \"\(name)\" does not exist")
        }
        _ = try await lock(table, .accessExclusive)
        try dropTable(table, among: syntax.names.map(\.name), cascade: syntax.cascade)
      }
    }
  }

  private func dropTable(_ table: Table, among names: [String], cascade: Bool) throws {
    for key in table.referencedBy where key.child !== table {
      guard cascade || names.contains(key.child.name) else {
        throw Failure.make(
          "2BP01", "cannot drop table \(table.name) because other objects depend on it",
          detail:
            "constraint \(key.name) on table \(key.child.name) depends on table \(table.name)",
          hint: "Use DROP ... CASCADE to drop the dependent objects too.")
      }
      removeForeignKey(key)
    }
    for key in table.foreignKeys where key.parent !== table { removeForeignKey(key) }
    let (transaction, database) = (transaction, database)
    table.dropper = transaction
    changed { table.dropper = nil }
    transaction?.commitActions.append { database.unregister(table) }
  }

  func truncate(_ names: [(name: String, position: Int)], restartIdentity: Bool, cascade: Bool) async throws {
    var tables: [Table] = []
    for (name, position) in names {
      if let table = try existing(name, ifExists: false, at: position) { tables.append(table) }
    }
    var next = 0
    while next < tables.count {
      for key in tables[next].referencedBy where !tables.contains(where: { $0 === key.child }) {
        guard cascade else {
          throw Failure.make(
            .featureNotSupported, "cannot truncate a table referenced in a foreign key constraint",
            detail: "Table \"\(key.child.name)\" references \"\(key.parent.name)\".",
            hint: "Truncate table \"\(key.child.name)\" at the same time, or use TRUNCATE ... CASCADE.")
        }
        tables.append(key.child)
      }
      next += 1
    }
    for table in tables {
      _ = try await lock(table, .accessExclusive)
      let old = table.heap
      let entries = table.indexes.map { ($0, $0.entries) }
      let sequences = table.columns.compactMap { column in column.sequence.map { ($0, $0.next) } }
      table.replaceHeap([])
      for index in table.indexes { index.entries = SortedIndex(descending: index.entries.descending) }
      if restartIdentity { for (sequence, _) in sequences { sequence.next = 1 } }
      transaction?.undo.append(
        .catalog {
          table.replaceHeap(old)
          for (index, saved) in entries { index.entries = saved }
          if restartIdentity { for (sequence, value) in sequences { sequence.next = value } }
        })
    }
  }
}
