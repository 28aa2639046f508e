import Seams

extension Parser {
  mutating func statement() throws -> StatementSyntax {
    guard case .word(let word) = token.kind else {
      if isSymbol("(") { return .query(try query()) }
      throw unexpected()
    }
    switch word {
    case "select", "values", "with", "insert", "update", "delete": return try dataStatement()
    case "create", "alter", "drop", "comment", "truncate": return try definitionStatement()
    case "lock": return try lockStatement()
    case "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release":
      return try transactionStatement()
    case "set", "reset", "show": return try settingStatement()
    case "do", "explain", "copy", "prepare", "execute", "deallocate", "declare", "fetch", "move", "close", "listen",
      "notify", "unlisten", "vacuum", "analyze", "analyse", "grant", "revoke", "call", "merge", "discard", "cluster",
      "reindex", "checkpoint", "load", "security", "refresh", "import", "reassign", "table":
      throw Failure.unsupported(word.uppercased(), at: position)
    default: throw unexpected()
    }
  }

  /// SELECT, VALUES, INSERT, UPDATE or DELETE, with its WITH.
  mutating func dataStatement() throws -> StatementSyntax {
    guard isWord("with") else { return try plainDataStatement() }
    let with = try withClause()
    let statement = try plainDataStatement()
    switch statement {
    case .query(let query): query.with = with + query.with
    case .insert(let insert): insert.with = with
    case .update(let update): update.with = with
    case .delete(let delete): delete.with = with
    default: throw unexpected()
    }
    return statement
  }

  private mutating func plainDataStatement() throws -> StatementSyntax {
    if isWord("insert") { return .insert(try insertStatement()) }
    if isWord("update") { return .update(try updateStatement()) }
    if isWord("delete") { return .delete(try deleteStatement()) }
    return .query(try query())
  }

  private mutating func tableAlias() throws -> String? {
    if accept("as") { return try identifier() }
    if case .word(let word) = token.kind, !Parser.reserved.contains(word), word != "set", word != "values" {
      return try identifier()
    }
    return nil
  }

  private mutating func insertStatement() throws -> InsertSyntax {
    try expect("insert", "into")
    let insert = InsertSyntax()
    insert.position = position
    insert.table = try qualifiedName()
    if accept("as") { insert.alias = try identifier() }
    if isSymbol("("), !(isWord("select", ahead: 1) || isWord("with", ahead: 1) || isWord("values", ahead: 1)) {
      insert.columns = try parenthesized { parser in
        try parser.list { parser in
          let position = parser.position
          return (try parser.identifier(), position)
        }
      }
    }
    if accept("overriding", "system", "value") { insert.overridingSystem = true }
    if isWord("overriding") { throw Failure.unsupported("OVERRIDING USER VALUE", at: position) }
    if accept("default", "values") {
      insert.source = .defaultValues
    } else {
      insert.source = .query(try query())
    }
    if isWord("on"), isWord("conflict", ahead: 1) { insert.conflict = try conflictClause() }
    insert.returning = try returningClause()
    return insert
  }

  private mutating func conflictClause() throws -> ConflictSyntax {
    var conflict = ConflictSyntax(position: position)
    try expect("on", "conflict")
    if accept("on", "constraint") {
      conflict.constraint = try identifier()
    } else if accept(symbol: "(") {
      conflict.columns = try list { parser in
        let position = parser.position
        return (try parser.identifier(), position)
      }
      guard isSymbol(")") else { throw Failure.unsupported("an expression as ON CONFLICT target", at: position) }
      advance()
      if accept("where") { conflict.indexCondition = try expression() }
    }
    try expect("do")
    if accept("nothing") { return conflict }
    let target = position
    try expect("update", "set")
    conflict.assignments = try list { try $0.assignment() }
    if accept("where") { conflict.condition = try expression() }
    if conflict.columns.isEmpty, conflict.constraint == nil {
      throw Failure.make(
        "42601", "ON CONFLICT DO UPDATE requires inference specification or constraint name", at: target,
        hint: "For example, ON CONFLICT (column_name).")
    }
    return conflict
  }

  private mutating func assignment() throws -> AssignmentSyntax {
    var columns: [(name: String, position: Int)] = []
    if accept(symbol: "(") {
      columns = try list { parser in
        let position = parser.position
        return (try parser.identifier(), position)
      }
      try expect(symbol: ")")
    } else {
      let position = position
      columns = [(try identifier(), position)]
    }
    if isSymbol(".") || isSymbol("[") { throw Failure.unsupported("assignment to a part of a column", at: position) }
    try expect(symbol: "=")
    return AssignmentSyntax(columns: columns, value: try expression())
  }

  private mutating func updateStatement() throws -> UpdateSyntax {
    try expect("update")
    if isWord("only") { throw Failure.unsupported("ONLY", at: position) }
    let update = UpdateSyntax()
    update.position = position
    update.table = try qualifiedName()
    update.alias = try tableAlias()
    try expect("set")
    update.assignments = try list { try $0.assignment() }
    if accept("from") { update.from = try list { try $0.fromItem() } }
    update.condition = try whereClause()
    update.returning = try returningClause()
    return update
  }

  private mutating func deleteStatement() throws -> DeleteSyntax {
    try expect("delete", "from")
    if isWord("only") { throw Failure.unsupported("ONLY", at: position) }
    let delete = DeleteSyntax()
    delete.position = position
    delete.table = try qualifiedName()
    delete.alias = try tableAlias()
    if accept("using") { delete.using = try list { try $0.fromItem() } }
    delete.condition = try whereClause()
    delete.returning = try returningClause()
    return delete
  }

  private mutating func whereClause() throws -> ExpressionSyntax? {
    guard accept("where") else { return nil }
    if isWord("current"), isWord("of", ahead: 1) { throw Failure.unsupported("WHERE CURRENT OF", at: position) }
    return try expression()
  }

  private mutating func lockStatement() throws -> StatementSyntax {
    try expect("lock")
    _ = accept("table")
    let tables = try positionedNames()
    var mode = LockMode.accessExclusive
    if accept("in") {
      let start = position
      var words: [String] = []
      while case .word(let word) = token.kind, word != "mode" {
        words.append(word)
        advance()
      }
      try expect("mode")
      guard let named = LockMode.named(words.joined(separator: " ")) else {
        throw Failure.syntax("syntax error at or near \"\(words.first ?? "mode")\"", at: start)
      }
      mode = named
    }
    return .lockTable(tables, mode, noWait: accept("nowait"))
  }

  private mutating func transactionStatement() throws -> StatementSyntax {
    if accept("start") {
      try expect("transaction")
      return try beginOptions()
    }
    if accept("begin") {
      _ = accept("work") || accept("transaction")
      return try beginOptions()
    }
    if accept("commit") || accept("end") {
      _ = accept("work") || accept("transaction")
      if isWord("and") || isWord("prepared") { throw Failure.unsupported("COMMIT \(token.text)", at: position) }
      return .commit
    }
    if accept("savepoint") { return .savepoint(try identifier()) }
    if accept("release") {
      _ = accept("savepoint")
      return .release(try identifier())
    }
    _ = accept("rollback") || accept("abort")
    _ = accept("work") || accept("transaction")
    if accept("to") {
      _ = accept("savepoint")
      return .rollbackTo(try identifier())
    }
    if isWord("and") || isWord("prepared") { throw Failure.unsupported("ROLLBACK \(token.text)", at: position) }
    return .rollback
  }

  private mutating func beginOptions() throws -> StatementSyntax {
    let (level, readOnly) = try transactionModes()
    return .begin(level, readOnly: readOnly)
  }

  private mutating func transactionModes() throws -> (IsolationLevel?, Bool?) {
    var level: IsolationLevel?
    var readOnly: Bool?
    while true {
      let start = position
      if accept("isolation", "level") {
        if accept("read", "committed") || accept("read", "uncommitted") {
          level = .readCommitted
        } else if accept("repeatable", "read") {
          level = .repeatableRead
        } else if isWord("serializable") {
          throw Failure.unsupported("ISOLATION LEVEL SERIALIZABLE", at: start)
        } else {
          throw unexpected()
        }
      } else if accept("read", "only") {
        readOnly = true
      } else if accept("read", "write") {
        readOnly = false
      } else if isWord("deferrable") {
        throw Failure.unsupported("DEFERRABLE", at: start)
      } else if !accept(symbol: ",") {
        return (level, readOnly)
      }
    }
  }

  private mutating func settingStatement() throws -> StatementSyntax {
    if accept("show") {
      let start = position
      if accept("transaction", "isolation", "level") { return .show("transaction_isolation", position: start) }
      return .show(try settingName(), position: start)
    }
    if accept("reset") {
      let start = position
      return .set(name: try settingName(), value: nil, isLocal: false, position: start)
    }
    try expect("set")
    let isLocal = accept("local")
    if !isLocal { _ = accept("session") }
    let start = position
    if isWord("transaction") {
      advance()
      let (level, readOnly) = try transactionModes()
      return .setTransaction(level, readOnly: readOnly)
    }
    if isWord("constraints") || isWord("role") || isWord("characteristics") || isWord("authorization") {
      throw Failure.unsupported("SET \(token.text.uppercased())", at: start)
    }
    let name = accept("time", "zone") ? "timezone" : try settingName()
    if !accept("to"), name != "timezone" || isSymbol("=") { try expect(symbol: "=") }
    if accept("default") { return .set(name: name, value: nil, isLocal: isLocal, position: start) }
    var values: [String] = []
    repeat {
      var sign = ""
      if accept(symbol: "-") { sign = "-" }
      switch token.kind {
      case .string(let value), .quoted(let value), .word(let value), .number(let value): values.append(sign + value)
      default: throw unexpected()
      }
      advance()
    } while accept(symbol: ",")
    return .set(name: name, value: values.joined(separator: ", "), isLocal: isLocal, position: start)
  }

  private mutating func settingName() throws -> String {
    var name = try label()
    while accept(symbol: ".") { name += "." + (try label()) }
    return name
  }
}
