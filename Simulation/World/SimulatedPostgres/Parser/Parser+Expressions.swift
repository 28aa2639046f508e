import Seams

/// Expressions by precedence (manual §4.1.6): OR, AND, NOT, IS, comparison, BETWEEN/IN/LIKE, other operators, + -,
/// * / %, ^, unary minus, [ ], ::.
extension Parser {
  mutating func expression() throws -> ExpressionSyntax {
    var left = try conjunction()
    while isWord("or") {
      let position = position
      advance()
      left = ExpressionSyntax(.or(left, try conjunction()), at: position)
    }
    return left
  }

  private mutating func conjunction() throws -> ExpressionSyntax {
    var left = try negation()
    while isWord("and") {
      let position = position
      advance()
      left = ExpressionSyntax(.and(left, try negation()), at: position)
    }
    return left
  }

  private mutating func negation() throws -> ExpressionSyntax {
    guard isWord("not") else { return try predicate() }
    let position = position
    advance()
    return ExpressionSyntax(.not(try negation()), at: position)
  }

  private mutating func predicate() throws -> ExpressionSyntax {
    var left = try comparison()
    while true {
      let position = position
      if accept("isnull") {
        left = ExpressionSyntax(.isNull(left, negated: false), at: position)
      } else if accept("notnull") {
        left = ExpressionSyntax(.isNull(left, negated: true), at: position)
      } else if accept("is") {
        left = try isPredicate(left, position)
      } else {
        return left
      }
    }
  }

  private mutating func isPredicate(_ left: ExpressionSyntax, _ position: Int) throws -> ExpressionSyntax {
    let negated = accept("not")
    if accept("null") { return ExpressionSyntax(.isNull(left, negated: negated), at: position) }
    if accept("true") { return ExpressionSyntax(.isBoolean(left, true, negated: negated), at: position) }
    if accept("false") { return ExpressionSyntax(.isBoolean(left, false, negated: negated), at: position) }
    if accept("unknown") { return ExpressionSyntax(.isBoolean(left, nil, negated: negated), at: position) }
    if accept("distinct", "from") {
      return ExpressionSyntax(.isDistinct(left, try comparison(), negated: negated), at: position)
    }
    throw unexpected()
  }

  private static let comparisons: Set<String> = ["<", ">", "=", "<=", ">=", "<>", "!="]

  private mutating func comparison() throws -> ExpressionSyntax {
    let left = try rangePredicate()
    guard case .symbol(let symbol) = token.kind, Parser.comparisons.contains(symbol) else { return left }
    let position = position
    advance()
    let name = symbol == "!=" ? "<>" : symbol
    if let quantified = try quantifier(left, name, position) { return quantified }
    return ExpressionSyntax(.binary(name, left, try rangePredicate()), at: position)
  }

  private mutating func quantifier(_ left: ExpressionSyntax, _ name: String, _ position: Int) throws
    -> ExpressionSyntax?
  {
    guard isWord("any") || isWord("some") || isWord("all"), isSymbol("(", ahead: 1) else { return nil }
    let all = isWord("all")
    advance()
    try expect(symbol: "(")
    let result: ExpressionSyntax
    if startsQuery {
      result = ExpressionSyntax(.quantifiedQuery(left, name, all: all, try query()), at: position)
    } else {
      result = ExpressionSyntax(.quantified(left, name, all: all, try expression()), at: position)
    }
    try expect(symbol: ")")
    return result
  }

  var startsQuery: Bool {
    var offset = 0
    while isSymbol("(", ahead: offset) { offset += 1 }
    return isWord("select", ahead: offset) || isWord("values", ahead: offset) || isWord("with", ahead: offset)
  }

  private mutating func rangePredicate() throws -> ExpressionSyntax {
    var left = try otherOperators()
    while true {
      let position = position
      let negated =
        isWord("not")
        && (isWord("between", ahead: 1) || isWord("in", ahead: 1) || isWord("like", ahead: 1)
          || isWord("ilike", ahead: 1))
      if negated { advance() }
      if accept("between") {
        if isWord("symmetric") { throw Failure.unsupported("BETWEEN SYMMETRIC", at: self.position) }
        let low = try otherOperators()
        try expect("and")
        left = ExpressionSyntax(.between(left, low, try otherOperators(), negated: negated), at: position)
      } else if accept("in") {
        try expect(symbol: "(")
        if startsQuery {
          left = ExpressionSyntax(.inQuery(left, try query(), negated: negated), at: position)
        } else {
          left = ExpressionSyntax(.inList(left, try list { try $0.expression() }, negated: negated), at: position)
        }
        try expect(symbol: ")")
      } else if isWord("like") || isWord("ilike") {
        let insensitive = isWord("ilike")
        advance()
        left = ExpressionSyntax(
          .like(left, try otherOperators(), caseInsensitive: insensitive, negated: negated), at: position)
        if isWord("escape") { throw Failure.unsupported("LIKE … ESCAPE", at: self.position) }
      } else {
        return left
      }
    }
  }

  private static let others: Set<String> = [
    "||", "->", "->>", "#>", "#>>", "@>", "<@", "&&", "~", "~*", "!~", "|", "&", "#", "?", "?|", "?&",
  ]

  private mutating func otherOperators() throws -> ExpressionSyntax {
    var left = try sum()
    while case .symbol(let symbol) = token.kind, Parser.others.contains(symbol) {
      let position = position
      advance()
      left = ExpressionSyntax(.binary(symbol, left, try sum()), at: position)
    }
    return left
  }

  private mutating func sum() throws -> ExpressionSyntax {
    var left = try product()
    while isSymbol("+") || isSymbol("-") {
      let (symbol, position) = (token.text, position)
      advance()
      left = ExpressionSyntax(.binary(symbol, left, try product()), at: position)
    }
    return left
  }

  private mutating func product() throws -> ExpressionSyntax {
    var left = try unary()
    while isSymbol("*") || isSymbol("/") || isSymbol("%") || isSymbol("^") {
      let (symbol, position) = (token.text, position)
      if symbol == "^" { throw Failure.unsupported("the operator ^", at: position) }
      advance()
      left = ExpressionSyntax(.binary(symbol, left, try unary()), at: position)
    }
    return left
  }

  private mutating func unary() throws -> ExpressionSyntax {
    let position = position
    if accept(symbol: "-") {
      if case .number(let digits) = token.kind, !isSymbol("::", ahead: 1) {
        advance()
        return ExpressionSyntax(.number("-" + digits), at: position)
      }
      return ExpressionSyntax(.negate(try unary()), at: position)
    }
    if accept(symbol: "+") { return try unary() }
    return try postfix()
  }

  private mutating func postfix() throws -> ExpressionSyntax {
    var value = try primary()
    while true {
      let position = position
      if accept(symbol: "::") {
        value = ExpressionSyntax(.cast(value, try typeName()), at: position)
      } else if accept(symbol: "[") {
        value = ExpressionSyntax(.subscripted(value, try expression()), at: position)
        if isSymbol(":") { throw Failure.unsupported("array slices", at: self.position) }
        try expect(symbol: "]")
      } else if isWord("collate") {
        throw Failure.unsupported("COLLATE", at: position)
      } else if isWord("at"), isWord("time", ahead: 1) {
        throw Failure.unsupported("AT TIME ZONE", at: position)
      } else {
        return value
      }
    }
  }

  private mutating func primary() throws -> ExpressionSyntax {
    let position = position
    switch token.kind {
    case .number(let digits):
      advance()
      return ExpressionSyntax(.number(digits), at: position)
    case .string(let value):
      advance()
      return ExpressionSyntax(.string(value), at: position)
    case .parameter(let number):
      advance()
      return ExpressionSyntax(.parameter(number), at: position)
    case .symbol("("):
      advance()
      if startsQuery {
        let inner = try query()
        try expect(symbol: ")")
        return ExpressionSyntax(.scalarQuery(inner), at: position)
      }
      let items = try list { try $0.expression() }
      try expect(symbol: ")")
      return items.count == 1 ? items[0] : ExpressionSyntax(.row(items), at: position)
    case .symbol("*"):
      advance()
      return ExpressionSyntax(.star(nil), at: position)
    case .word(let word): return try wordExpression(word, position)
    case .quoted: return try columnOrFunction(position)
    default: throw unexpected()
    }
  }

  private mutating func wordExpression(_ word: String, _ position: Int) throws -> ExpressionSyntax {
    switch word {
    case "null": return advanced(.null, position)
    case "true": return advanced(.boolean(true), position)
    case "false": return advanced(.boolean(false), position)
    case "default": return advanced(.defaultValue, position)
    case "current_timestamp":
      advance()
      if isSymbol("(") { throw Failure.unsupported("CURRENT_TIMESTAMP with a precision", at: position) }
      return ExpressionSyntax(.function(FunctionCallSyntax(name: "now")), at: position)
    case "current_user", "session_user", "user", "current_role", "current_catalog":
      advance()
      return ExpressionSyntax(
        .function(FunctionCallSyntax(name: word == "current_catalog" ? "current_database" : "current_user")),
        at: position)
    case "case": return try caseExpression(position)
    case "cast":
      advance()
      return try parenthesized { parser in
        let value = try parser.expression()
        try parser.expect("as")
        return ExpressionSyntax(.cast(value, try parser.typeName()), at: position)
      }
    case "exists" where isSymbol("(", ahead: 1):
      advance()
      return ExpressionSyntax(.exists(try parenthesized { try $0.query() }), at: position)
    case "array":
      advance()
      if isSymbol("(") { return ExpressionSyntax(.arrayQuery(try parenthesized { try $0.query() }), at: position) }
      try expect(symbol: "[")
      let items = isSymbol("]") ? [] : try list { try $0.expression() }
      try expect(symbol: "]")
      return ExpressionSyntax(.array(items), at: position)
    case "row" where isSymbol("(", ahead: 1):
      advance()
      return ExpressionSyntax(
        .row(try parenthesized { parser in try parser.list { try $0.expression() } }), at: position)
    case "extract", "position", "substring", "overlay", "trim", "xmlelement", "grouping", "current_date",
      "current_time", "localtime", "localtimestamp", "collation", "treat":
      if isSymbol("(", ahead: 1) || word.hasPrefix("current") || word.hasPrefix("local") {
        if word == "extract" { return try extract(position) }
        throw Failure.unsupported(word.uppercased(), at: position)
      }
    default:
      // `interval '5 s'`: a type's name before a string.
      if case .string(let literal) = peek(1).kind, SQLType.named(word) != nil {
        let type = TypeSyntax(name: word, modifiers: [], isArray: false, position: position)
        advance()
        advance()
        let value = ExpressionSyntax(.string(literal), at: position)
        return ExpressionSyntax(.cast(value, type), at: position)
      }
    }
    return try columnOrFunction(position)
  }

  /// `extract(epoch FROM x)`; other fields are refused by the binder.
  private mutating func extract(_ position: Int) throws -> ExpressionSyntax {
    advance()
    return try parenthesized { parser in
      let field = parser.position
      let name = try parser.label()
      try parser.expect("from")
      let value = try parser.expression()
      guard name == "epoch" else { throw Failure.unsupported("EXTRACT(\(name) FROM …)", at: field) }
      return ExpressionSyntax(
        .function(FunctionCallSyntax(name: "extract_epoch", arguments: [(nil, value)])), at: position)
    }
  }

  private mutating func advanced(_ kind: ExpressionSyntax.Kind, _ position: Int) -> ExpressionSyntax {
    advance()
    return ExpressionSyntax(kind, at: position)
  }

  private mutating func caseExpression(_ position: Int) throws -> ExpressionSyntax {
    advance()
    let operand = isWord("when") ? nil : try expression()
    var branches: [(ExpressionSyntax, ExpressionSyntax)] = []
    while accept("when") {
      let condition = try expression()
      try expect("then")
      branches.append((condition, try expression()))
    }
    guard !branches.isEmpty else { throw unexpected() }
    let otherwise = accept("else") ? try expression() : nil
    try expect("end")
    return ExpressionSyntax(.caseWhen(operand, branches, otherwise), at: position)
  }

  private mutating func columnOrFunction(_ position: Int) throws -> ExpressionSyntax {
    if isSymbol("(", ahead: 1), case .word(let name) = token.kind, ["left", "right"].contains(name) {
      throw Failure.unsupported("the function \(name)", at: position)
    }
    var path = [try identifier()]
    while accept(symbol: ".") {
      if accept(symbol: "*") { return ExpressionSyntax(.star(path[0]), at: position) }
      path.append(try label())
    }
    guard isSymbol("(") else { return ExpressionSyntax(.column(path), at: position) }
    if path.count == 2, path[0] == "pg_catalog" { path.removeFirst() }
    guard path.count == 1 else { throw Failure.unsupported("the schema \(path[0])", at: position) }
    return ExpressionSyntax(.function(try functionCall(path[0])), at: position)
  }

  /// The arguments and what may follow them; the name has been read.
  mutating func functionCall(_ name: String) throws -> FunctionCallSyntax {
    var call = FunctionCallSyntax(name: name)
    try expect(symbol: "(")
    if accept(symbol: "*") {
      call.isStar = true
    } else if !isSymbol(")") {
      call.isDistinct = accept("distinct")
      if !call.isDistinct { _ = accept("all") }
      if isWord("variadic") { throw Failure.unsupported("VARIADIC", at: position) }
      call.arguments = try list { parser in
        if case .word(let label) = parser.token.kind, parser.isSymbol("=>", ahead: 1) {
          parser.advance()
          parser.advance()
          return (label, try parser.expression())
        }
        return (nil, try parser.expression())
      }
      if accept("order", "by") { call.orderBy = try list { try $0.sortKey() } }
    }
    try expect(symbol: ")")
    if isWord("filter"), isSymbol("(", ahead: 1) {
      advance()
      call.filter = try parenthesized { parser in
        try parser.expect("where")
        return try parser.expression()
      }
    }
    if accept("over") { call.window = try window() }
    return call
  }

  private mutating func window() throws -> WindowSyntax {
    try parenthesized { parser in
      let partition = parser.accept("partition", "by") ? try parser.list { try $0.expression() } : []
      let order = parser.accept("order", "by") ? try parser.list { try $0.sortKey() } : []
      guard parser.isSymbol(")") else { throw Failure.unsupported("window frames", at: parser.position) }
      return WindowSyntax(partitionBy: partition, orderBy: order)
    }
  }

  mutating func sortKey() throws -> SortSyntax {
    let value = try expression()
    let descending = accept("desc")
    if !descending { _ = accept("asc") }
    var nullsFirst: Bool?
    if accept("nulls", "first") { nullsFirst = true } else if accept("nulls", "last") { nullsFirst = false }
    return SortSyntax(expression: value, descending: descending, nullsFirst: nullsFirst)
  }

  mutating func typeName() throws -> TypeSyntax {
    let position = position
    var name = try label()
    if name == "double", accept("precision") { name = "double precision" }
    if name == "character", accept("varying") { name = "character varying" }
    if name == "pg_catalog", accept(symbol: ".") { name = try label() }
    var modifiers: [Int] = []
    if accept(symbol: "(") {
      modifiers = try list { try $0.integer() }
      try expect(symbol: ")")
    }
    if name == "timestamp" || name == "time" {
      if accept("with", "time", "zone") { name += " with time zone" } else { _ = accept("without", "time", "zone") }
    }
    var isArray = false
    while accept(symbol: "[") {
      if isArray { throw Failure.unsupported("arrays of more than one dimension", at: position) }
      if case .number = token.kind { advance() }
      try expect(symbol: "]")
      isArray = true
    }
    return TypeSyntax(name: name, modifiers: modifiers, isArray: isArray, position: position)
  }
}
