import Seams

extension Parser {
  mutating func query() throws -> QuerySyntax {
    let position = position
    let with = try withClause()
    let body = try unionBody()
    let query: QuerySyntax
    if !with.isEmpty || !body.with.isEmpty {
      query = body
      query.with = with + body.with
    } else {
      query = body
    }
    _ = position
    return query
  }

  mutating func withClause() throws -> [CommonTableSyntax] {
    guard accept("with") else { return [] }
    if isWord("recursive") { throw Failure.unsupported("WITH RECURSIVE", at: position) }
    return try list { parser in
      let position = parser.position
      let name = try parser.identifier()
      let columns = parser.isSymbol("(") ? try parser.identifiers() : []
      try parser.expect("as")
      if parser.accept("not") { try parser.expect("materialized") } else { _ = parser.accept("materialized") }
      let statement = try parser.parenthesized { try $0.dataStatement() }
      return CommonTableSyntax(name: name, columns: columns, statement: statement, position: position)
    }
  }

  private mutating func unionBody() throws -> QuerySyntax {
    let start = position
    var left = try queryTerm()
    while isWord("union") || isWord("intersect") || isWord("except") {
      guard accept("union") else { throw Failure.unsupported(token.text.uppercased(), at: position) }
      let all = accept("all")
      if !all { _ = accept("distinct") }
      left = QuerySyntax(.union(left, try queryTerm(), all: all), at: start)
    }
    try queryTail(of: left)
    return left
  }

  private mutating func queryTerm() throws -> QuerySyntax {
    let start = position
    if accept(symbol: "(") {
      let inner = try query()
      try expect(symbol: ")")
      // A parenthesized query keeps its own ORDER BY and LIMIT; what follows belongs to a wrapper.
      if !inner.orderBy.isEmpty || inner.limit != nil || !inner.locking.isEmpty {
        throw Failure.unsupported("a parenthesized query with ORDER BY, LIMIT or locking", at: start)
      }
      return inner
    }
    if accept("values") {
      let rows = try list { parser in
        try parser.parenthesized { parser in try parser.list { try $0.expression() } }
      }
      return QuerySyntax(.values(rows), at: start)
    }
    try expect("select")
    return QuerySyntax(.select(try selectCore()), at: start)
  }

  private mutating func selectCore() throws -> SelectSyntax {
    var select = SelectSyntax()
    if accept("distinct") {
      if accept("on") {
        select.distinct = .on(try parenthesized { parser in try parser.list { try $0.expression() } })
      } else {
        select.distinct = .rows
      }
    } else {
      _ = accept("all")
    }
    if !isWord("from"), token.kind != .end, !isSymbol(";"), !isSymbol(")") {
      select.targets = try list { try $0.target() }
    }
    if isWord("into") { throw Failure.unsupported("SELECT INTO", at: position) }
    if accept("from") { select.from = try list { try $0.fromItem() } }
    if accept("where") { select.condition = try expression() }
    if accept("group", "by") {
      for word in ["rollup", "cube", "grouping"] where isWord(word) {
        throw Failure.unsupported("GROUP BY \(word.uppercased())", at: position)
      }
      select.groupBy = try list { try $0.expression() }
    }
    if accept("having") { select.having = try expression() }
    if isWord("window") { throw Failure.unsupported("the WINDOW clause", at: position) }
    return select
  }

  private mutating func queryTail(of query: QuerySyntax) throws {
    if accept("order", "by") { query.orderBy = try list { try $0.sortKey() } }
    while true {
      if accept("limit") {
        if accept("all") { continue }
        query.limit = try expression()
      } else if accept("offset") {
        query.offset = try expression()
        _ = accept("rows") || accept("row")
      } else if isWord("fetch") {
        throw Failure.unsupported("FETCH FIRST", at: position)
      } else if isWord("for") {
        query.locking.append(try lockingClause())
      } else {
        return
      }
    }
  }

  private mutating func lockingClause() throws -> LockingSyntax {
    let position = position
    try expect("for")
    let strength: RowLockStrength
    if accept("update") {
      strength = .update
    } else if accept("no", "key", "update") {
      strength = .noKeyUpdate
    } else if accept("share") {
      strength = .share
    } else if accept("key", "share") {
      strength = .keyShare
    } else {
      throw unexpected()
    }
    let tables = accept("of") ? try positionedNames() : []
    var policy = LockWaitPolicy.wait
    if accept("nowait") { policy = .noWait } else if accept("skip", "locked") { policy = .skipLocked }
    return LockingSyntax(strength: strength, tables: tables, policy: policy, position: position)
  }

  mutating func target() throws -> TargetSyntax {
    let value = try expression()
    if accept("as") { return TargetSyntax(expression: value, alias: try label()) }
    switch token.kind {
    case .quoted, .word: return TargetSyntax(expression: value, alias: try optionalLabel())
    default: return TargetSyntax(expression: value)
    }
  }

  private mutating func optionalLabel() throws -> String? {
    switch token.kind {
    case .quoted: return try identifier()
    case .word(let word)
    where !Parser.reserved.contains(word) && !["over", "filter", "within", "set", "for"].contains(word):
      return try identifier()
    default: return nil
    }
  }

  mutating func returningClause() throws -> [TargetSyntax] {
    accept("returning") ? try list { try $0.target() } : []
  }

  mutating func fromItem() throws -> FromSyntax {
    var left = try fromPrimary()
    while true {
      let position = position
      if accept("cross", "join") {
        left = .join(left, try fromPrimary(), isLeft: false, .cross)
      } else if accept("join") || accept("inner", "join") {
        left = .join(left, try fromPrimary(), isLeft: false, try joinCondition())
      } else if accept("left", "join") || accept("left", "outer", "join") {
        left = .join(left, try fromPrimary(), isLeft: true, try joinCondition())
      } else if isWord("right") || isWord("full") || isWord("natural") {
        throw Failure.unsupported("\(token.text.uppercased()) JOIN", at: position)
      } else {
        return left
      }
    }
  }

  private mutating func joinCondition() throws -> JoinConditionSyntax {
    if accept("on") { return .on(try expression()) }
    if accept("using") { return .using(try identifiers()) }
    throw unexpected()
  }

  private mutating func fromPrimary() throws -> FromSyntax {
    let position = position
    if isWord("lateral") { throw Failure.unsupported("LATERAL", at: position) }
    if isWord("only") { throw Failure.unsupported("ONLY", at: position) }
    if isWord("rows"), isWord("from", ahead: 1) { throw Failure.unsupported("ROWS FROM", at: position) }
    if isSymbol("(") {
      if startsQuery {
        let inner = try parenthesized { try $0.query() }
        guard let alias = try alias() else {
          throw Failure.make(
            "42601", "subquery in FROM must have an alias", at: position,
            hint: "For example, FROM (SELECT ...) [AS] foo.")
        }
        return .query(inner, alias: alias, position: position)
      }
      return try parenthesized { try $0.fromItem() }
    }
    if isSymbol("(", ahead: 1) {
      let name = try identifier()
      let call = try functionCall(name)
      let ordinality = accept("with", "ordinality")
      return .function(call, ordinality: ordinality, alias: try alias(), position: position)
    }
    let name = try qualifiedName()
    if isWord("tablesample") { throw Failure.unsupported("TABLESAMPLE", at: self.position) }
    return .table(name, alias: try alias(), position: position)
  }

  private mutating func alias() throws -> AliasSyntax? {
    let name: String
    if accept("as") {
      name = try identifier()
    } else if let label = try optionalLabel() {
      name = label
    } else {
      return nil
    }
    var alias = AliasSyntax(name: name)
    if isSymbol("(") { alias.columns = try identifiers() }
    return alias
  }
}
