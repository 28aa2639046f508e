import Seams

extension Parser {
  mutating func definitionStatement() throws -> StatementSyntax {
    let start = position
    if accept("create") {
      if accept("table") { return .createTable(try createTable(start)) }
      if accept("unique", "index") { return .createIndex(try createIndex(unique: true)) }
      if accept("index") { return .createIndex(try createIndex(unique: false)) }
      throw Failure.unsupported("CREATE \(token.text.uppercased())", at: start)
    }
    if accept("alter") {
      guard accept("table") else { throw Failure.unsupported("ALTER \(token.text.uppercased())", at: start) }
      return try alterTable()
    }
    if accept("drop") { return try dropStatement(start) }
    if accept("truncate") {
      _ = accept("table")
      let names = try positionedNames()
      let restart = accept("restart", "identity")
      if !restart { _ = accept("continue", "identity") }
      let cascade = accept("cascade")
      if !cascade { _ = accept("restrict") }
      return .truncate(names, restartIdentity: restart, cascade: cascade)
    }
    try expect("comment", "on")
    while token.kind != .end, !isSymbol(";") { advance() }
    return .comment
  }

  private mutating func ifNotExists() throws -> Bool { accept("if", "not", "exists") }

  private mutating func createTable(_ start: Int) throws -> CreateTableSyntax {
    let absent = try ifNotExists()
    let position = position
    let name = try qualifiedName()
    if isWord("as") { throw Failure.unsupported("CREATE TABLE AS", at: start) }
    if isWord("partition") || isWord("of") { throw Failure.unsupported("partitions", at: self.position) }
    var table = CreateTableSyntax(
      name: name, ifNotExists: absent, columns: [], constraints: [], position: position)
    try expect(symbol: "(")
    if !isSymbol(")") {
      repeat {
        if let constraint = try tableConstraint() {
          table.constraints.append(constraint)
        } else if isWord("like") || isWord("exclude") {
          throw Failure.unsupported("\(token.text.uppercased()) in CREATE TABLE", at: self.position)
        } else {
          table.columns.append(try columnDefinition())
        }
      } while accept(symbol: ",")
    }
    try expect(symbol: ")")
    if accept("with") {
      // Storage parameters (fillfactor) change no result.
      try expect(symbol: "(")
      while !accept(symbol: ")") {
        guard token.kind != .end else { throw unexpected() }
        advance()
      }
    }
    if isWord("inherits") || isWord("partition") || isWord("tablespace") || isWord("using") {
      throw Failure.unsupported("\(token.text.uppercased()) in CREATE TABLE", at: self.position)
    }
    return table
  }

  mutating func columnDefinition() throws -> ColumnDefinitionSyntax {
    let position = position
    let name = try identifier()
    var type = try typeName()
    var serial = false
    switch type.name {
    case "bigserial", "serial8": (type.name, serial) = ("int8", true)
    case "serial", "serial4": (type.name, serial) = ("int4", true)
    case "smallserial", "serial2": (type.name, serial) = ("int2", true)
    default: break
    }
    var column = ColumnDefinitionSyntax(name: name, type: type, serial: serial, notNull: serial, position: position)
    while try columnClause(&column) {}
    return column
  }

  private mutating func columnClause(_ column: inout ColumnDefinitionSyntax) throws -> Bool {
    let start = position
    let name = accept("constraint") ? try identifier() : nil
    if accept("not", "null") {
      column.notNull = true
    } else if accept("null") {
      _ = name
    } else if accept("default") {
      column.defaultValue = try expression()
    } else if accept("primary", "key") {
      column.constraints.append(ConstraintSyntax(name: name, kind: .primaryKey([column.name]), position: start))
    } else if accept("unique") {
      column.constraints.append(ConstraintSyntax(name: name, kind: .unique([column.name]), position: start))
    } else if isWord("check") {
      column.constraints.append(ConstraintSyntax(name: name, kind: try checkBody(), position: start))
    } else if isWord("references") {
      column.constraints.append(
        ConstraintSyntax(name: name, kind: try referencesBody([column.name]), position: start))
    } else if accept("generated") {
      let always = accept("always")
      if !always { try expect("by", "default") }
      try expect("as")
      guard accept("identity") else { throw Failure.unsupported("generated columns", at: start) }
      if isSymbol("(") { throw Failure.unsupported("sequence options", at: position) }
      column.identityAlways = always
      column.notNull = true
    } else if isWord("collate") || isWord("deferrable") || isWord("initially") || isWord("storage") {
      throw Failure.unsupported(token.text.uppercased(), at: position)
    } else if name != nil {
      throw unexpected()
    } else {
      return false
    }
    return true
  }

  private mutating func checkBody() throws -> ConstraintSyntax.Kind {
    try expect("check")
    try expect(symbol: "(")
    let start = position
    let condition = try expression()
    let text = source(from: start, to: position)
    try expect(symbol: ")")
    if isWord("no") || isWord("not"), isWord("valid", ahead: 1) || isWord("inherit", ahead: 1) {
      throw Failure.unsupported("NOT VALID and NO INHERIT", at: position)
    }
    return .check(condition, text: text)
  }

  private mutating func referencesBody(_ columns: [String]) throws -> ConstraintSyntax.Kind {
    try expect("references")
    let table = try qualifiedName()
    let referenced = isSymbol("(") ? try identifiers() : []
    var onDelete = ForeignKeyAction.noAction
    while true {
      let start = position
      if accept("on", "delete") {
        if accept("cascade") {
          onDelete = .cascade
        } else if accept("restrict") {
          onDelete = .restrict
        } else if accept("set", "null") {
          onDelete = .setNull
        } else if accept("no", "action") {
          onDelete = .noAction
        } else {
          throw Failure.unsupported("ON DELETE \(token.text.uppercased())", at: start)
        }
      } else if accept("on", "update") {
        guard accept("no", "action") || accept("restrict") else {
          throw Failure.unsupported("ON UPDATE \(token.text.uppercased())", at: start)
        }
      } else if isWord("match") || isWord("deferrable") || isWord("initially") {
        throw Failure.unsupported("\(token.text.uppercased()) foreign keys", at: start)
      } else {
        return .foreignKey(columns, table: table, columns: referenced, onDelete: onDelete)
      }
    }
  }

  mutating func tableConstraint() throws -> ConstraintSyntax? {
    let start = position
    let name = accept("constraint") ? try identifier() : nil
    if accept("primary", "key") {
      return ConstraintSyntax(name: name, kind: .primaryKey(try identifiers()), position: start)
    }
    if accept("unique") {
      if isWord("nulls") || isWord("using") { throw Failure.unsupported("UNIQUE \(token.text)", at: position) }
      return ConstraintSyntax(name: name, kind: .unique(try identifiers()), position: start)
    }
    if isWord("check") { return ConstraintSyntax(name: name, kind: try checkBody(), position: start) }
    if accept("foreign", "key") {
      let columns = try identifiers()
      return ConstraintSyntax(name: name, kind: try referencesBody(columns), position: start)
    }
    if name != nil { throw unexpected() }
    return nil
  }

  private mutating func createIndex(unique: Bool) throws -> CreateIndexSyntax {
    if isWord("concurrently") { throw Failure.unsupported("CREATE INDEX CONCURRENTLY", at: position) }
    let absent = try ifNotExists()
    let name = isWord("on") ? nil : try identifier()
    try expect("on")
    let position = position
    let table = try qualifiedName()
    if accept("using") {
      guard accept("btree") else { throw Failure.unsupported("the index method \(token.text)", at: self.position) }
    }
    let columns = try parenthesized { parser in
      try parser.list { parser in
        let start = parser.position
        if parser.isSymbol("(") { throw Failure.unsupported("an index on an expression", at: start) }
        let name = try parser.identifier()
        guard !parser.isSymbol("(") else { throw Failure.unsupported("an index on an expression", at: start) }
        let descending = parser.accept("desc")
        if !descending { _ = parser.accept("asc") }
        if parser.isWord("nulls") { throw Failure.unsupported("NULLS in an index", at: parser.position) }
        return (name: name, descending: descending, position: start)
      }
    }
    if isWord("include") || isWord("with") || isWord("nulls") {
      throw Failure.unsupported("\(token.text.uppercased()) in CREATE INDEX", at: self.position)
    }
    var index = CreateIndexSyntax(
      name: name, ifNotExists: absent, isUnique: unique, table: table, columns: columns, position: position)
    if accept("where") {
      let start = self.position
      index.condition = try expression()
      index.conditionText = source(from: start, to: self.position)
    }
    return index
  }

  private mutating func alterTable() throws -> StatementSyntax {
    let ifExists = accept("if", "exists")
    if isWord("only") { throw Failure.unsupported("ONLY", at: position) }
    let position = position
    let name = try qualifiedName()
    let actions = try list { try $0.alterAction() }
    return .alterTable(name: name, ifExists: ifExists, actions: actions, position: position)
  }

  private mutating func alterAction() throws -> AlterTableAction {
    let start = position
    if accept("add") {
      if let constraint = try tableConstraint() {
        if isWord("not") { throw Failure.unsupported("NOT VALID", at: position) }
        return .addConstraint(constraint)
      }
      _ = accept("column")
      let absent = try ifNotExists()
      return .addColumn(try columnDefinition(), ifNotExists: absent)
    }
    if accept("drop") {
      let isConstraint = accept("constraint")
      if !isConstraint { _ = accept("column") }
      let ifExists = accept("if", "exists")
      let name = try identifier()
      if isWord("cascade") { throw Failure.unsupported("CASCADE in ALTER TABLE", at: position) }
      _ = accept("restrict")
      return isConstraint ? .dropConstraint(name, ifExists: ifExists) : .dropColumn(name, ifExists: ifExists)
    }
    if accept("rename") {
      if accept("to") { return .renameTable(try identifier()) }
      if isWord("constraint") { throw Failure.unsupported("RENAME CONSTRAINT", at: position) }
      _ = accept("column")
      let old = try identifier()
      try expect("to")
      return .renameColumn(old, try identifier())
    }
    if accept("alter") {
      _ = accept("column")
      let name = try identifier()
      if accept("set", "not", "null") { return .setNotNull(name, true) }
      if accept("drop", "not", "null") { return .setNotNull(name, false) }
      if accept("set", "default") { return .setDefault(name, try expression()) }
      if accept("drop", "default") { return .setDefault(name, nil) }
    }
    throw Failure.unsupported("this form of ALTER TABLE", at: start)
  }

  private mutating func dropStatement(_ start: Int) throws -> StatementSyntax {
    let kind: DropSyntax.Kind
    if accept("table") {
      kind = .table
    } else if accept("index") {
      kind = .index
    } else if accept("sequence") {
      kind = .sequence
    } else {
      throw Failure.unsupported("DROP \(token.text.uppercased())", at: start)
    }
    if isWord("concurrently") { throw Failure.unsupported("DROP INDEX CONCURRENTLY", at: position) }
    let ifExists = accept("if", "exists")
    let names = try positionedNames()
    let cascade = accept("cascade")
    if !cascade { _ = accept("restrict") }
    return .drop(DropSyntax(kind: kind, names: names, ifExists: ifExists, cascade: cascade))
  }
}
