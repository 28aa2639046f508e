import Seams

extension Binder {
  /// An operator between two bound operands (manual §10.2).
  func bindOperator(_ name: String, _ left: BoundExpression, _ right: BoundExpression, at position: Int) throws
    -> BoundExpression
  {
    if let comparison = ComparisonOperator(rawValue: name) {
      return try bindComparison(comparison, left, right, at: position)
    }
    switch name {
    case "+", "-", "*", "/", "%": return try bindArithmetic(name, left, right, at: position)
    case "||": return try bindConcatenation(left, right, at: position)
    case "->", "->>": return try bindMember(name, left, right, at: position)
    case "&&", "@>", "<@": return try bindArrayOperator(name, left, right, at: position)
    default: throw Failure.unsupported("the operator \(name)", at: position)
    }
  }

  private func noOperator(_ name: String, _ left: SQLType, _ right: SQLType, at position: Int) -> SQLError {
    Failure.make(
      "42883", "operator does not exist: \(left) \(name) \(right)", at: position,
      hint: "No operator matches the given name and argument types. You might need to add explicit type casts.")
  }

  /// A parameter whose type another use has settled takes it here.
  func settled(_ expression: BoundExpression) -> BoundExpression {
    if expression.type.isUnknown, let parameter = expression as? ParameterExpression,
      let known = parameterTypes[parameter.index]
    {
      parameter.type = known
    }
    return expression
  }

  func bindComparison(
    _ comparison: ComparisonOperator, _ left: BoundExpression, _ right: BoundExpression, at position: Int
  ) throws -> BoundExpression {
    let (left, right) = (settled(left), settled(right))
    let (a, b) = (left.type, right.type)
    let target: SQLType
    if a.isUnknown && b.isUnknown {
      target = .text
    } else if a.isUnknown || b.isUnknown {
      target = (a.isUnknown ? b : a).withoutModifier
    } else if a.withoutModifier == b.withoutModifier || (a.isString && b.isString) {
      target = a.withoutModifier
    } else if a.isNumber && b.isNumber {
      // Integers of any width compare as they are.
      if a.isInteger && b.isInteger { return ComparisonExpression(comparison, left, right) }
      target = a.numberRank > b.numberRank ? a.withoutModifier : b.withoutModifier
    } else {
      throw noOperator(comparison.rawValue, a, b, at: position)
    }
    if target.base == .json { throw noOperator(comparison.rawValue, target, target, at: position) }
    if target.base == .jsonb, comparison != .equal, comparison != .notEqual {
      throw Failure.unsupported("ordering of jsonb", at: position)
    }
    guard let l = try coerce(left, to: target, .implicit), let r = try coerce(right, to: target, .implicit) else {
      throw noOperator(comparison.rawValue, a, b, at: position)
    }
    return ComparisonExpression(comparison, l, r)
  }

  private func bindArithmetic(_ name: String, _ left: BoundExpression, _ right: BoundExpression, at position: Int)
    throws -> BoundExpression
  {
    let (left, right) = (settled(left), settled(right))
    if [left.type.base, right.type.base].contains(where: { $0 == .timestamptz || $0 == .interval }) {
      return try bindTimeArithmetic(name, left, right, at: position)
    }
    var (l, r) = (left, right)
    switch (left.type.isUnknown, right.type.isUnknown) {
    case (true, true):
      throw Failure.make(
        "42725", "operator is not unique: unknown \(name) unknown", at: position,
        hint: "Could not choose a best candidate operator. You might need to add explicit type casts.")
    case (true, false) where right.type.isNumber: l = try coerce(left, to: right.type, .implicit) ?? left
    case (false, true) where left.type.isNumber: r = try coerce(right, to: left.type, .implicit) ?? right
    default: break
    }
    guard l.type.isNumber, r.type.isNumber else { throw noOperator(name, left.type, right.type, at: position) }
    let type = (l.type.numberRank >= r.type.numberRank ? l.type : r.type).withoutModifier
    if type.isInteger {
      return BinaryExpression(name, l, r, type) { a, b in
        try Arithmetic.integers(name, a.intValue, b.intValue, type)
      }
    }
    guard let x = try coerce(l, to: type, .implicit), let y = try coerce(r, to: type, .implicit) else {
      throw noOperator(name, left.type, right.type, at: position)
    }
    if type.base == .float8 {
      if name == "%" { throw noOperator(name, type, type, at: position) }
      return BinaryExpression(name, x, y, type) { a, b in
        .double(try Arithmetic.doubles(name, a.doubleValue, b.doubleValue))
      }
    }
    return BinaryExpression(name, x, y, type) { a, b in
      .numeric(try Arithmetic.numerics(name, a.numericValue, b.numericValue))
    }
  }

  private func bindTimeArithmetic(_ name: String, _ left: BoundExpression, _ right: BoundExpression, at position: Int)
    throws -> BoundExpression
  {
    let (a, b) = (left.type.base, right.type.base)
    func typed(_ l: SQLType, _ r: SQLType) throws -> (BoundExpression, BoundExpression) {
      guard let x = try coerce(left, to: l, .implicit), let y = try coerce(right, to: r, .implicit) else {
        throw noOperator(name, left.type, right.type, at: position)
      }
      return (x, y)
    }
    switch (a, name, b) {
    case (.timestamptz, "+", .interval), (.timestamptz, "+", .unknown), (.timestamptz, "-", .interval):
      let (x, y) = try typed(.timestamptz, .interval)
      return BinaryExpression(name, x, y, .timestamptz) { a, b in try Arithmetic.shift(a, b, name == "-") }
    case (.interval, "+", .timestamptz), (.unknown, "+", .timestamptz):
      let (x, y) = try typed(.interval, .timestamptz)
      return BinaryExpression(name, x, y, .timestamptz) { a, b in try Arithmetic.shift(b, a, false) }
    case (.timestamptz, "-", .timestamptz), (.timestamptz, "-", .unknown), (.unknown, "-", .timestamptz):
      let (x, y) = try typed(.timestamptz, .timestamptz)
      return BinaryExpression(name, x, y, .interval) { a, b in Arithmetic.difference(a, b) }
    case (.interval, "+", .interval), (.interval, "-", .interval), (.interval, "+", .unknown),
      (.interval, "-", .unknown), (.unknown, "+", .interval), (.unknown, "-", .interval):
      let (x, y) = try typed(.interval, .interval)
      return BinaryExpression(name, x, y, .interval) { a, b in
        guard case .interval(let l) = a, case .interval(let r) = b else { return .null }
        return .interval(name == "+" ? l + r : l + -r)
      }
    case (.interval, "*", _), (.interval, "/", _):
      let (x, y) = try typed(.interval, .float8)
      return BinaryExpression(name, x, y, .interval) { a, b in
        guard case .interval(let span) = a else { return .null }
        if name == "/", b.doubleValue == 0 { throw Arithmetic.divisionByZero }
        return .interval(span.multiplied(by: name == "*" ? b.doubleValue : 1 / b.doubleValue))
      }
    case (_, "*", .interval):
      let (x, y) = try typed(.float8, .interval)
      return BinaryExpression(name, x, y, .interval) { a, b in
        guard case .interval(let span) = b else { return .null }
        return .interval(span.multiplied(by: a.doubleValue))
      }
    default: throw noOperator(name, left.type, right.type, at: position)
    }
  }

  private func bindConcatenation(_ left: BoundExpression, _ right: BoundExpression, at position: Int) throws
    -> BoundExpression
  {
    let (left, right) = (settled(left), settled(right))
    if left.type.isArray || right.type.isArray {
      return try bindArrayConcatenation(left, right, at: position)
    }
    if left.type.base == .bytea || right.type.base == .bytea || left.type.base == .jsonb || right.type.base == .jsonb {
      throw Failure.unsupported("|| of \(left.type) and \(right.type)", at: position)
    }
    guard left.type.isString || left.type.isUnknown || right.type.isString || right.type.isUnknown else {
      throw noOperator("||", left.type, right.type, at: position)
    }
    guard let l = try coerce(left, to: .text, .explicit), let r = try coerce(right, to: .text, .explicit) else {
      throw noOperator("||", left.type, right.type, at: position)
    }
    return BinaryExpression("||", l, r, .text) { a, b in .text(a.textValue + b.textValue) }
  }

  private func bindArrayConcatenation(_ left: BoundExpression, _ right: BoundExpression, at position: Int) throws
    -> BoundExpression
  {
    let type = left.type.isArray ? left.type : right.type
    let leftTarget = left.type.isArray || left.type.isUnknown ? type : type.element
    let rightTarget = right.type.isArray || right.type.isUnknown ? type : type.element
    guard let l = try coerce(left, to: leftTarget, .implicit), let r = try coerce(right, to: rightTarget, .implicit)
    else { throw noOperator("||", left.type, right.type, at: position) }
    func items(_ value: Datum, _ isArray: Bool) -> [Datum] {
      if !isArray { return [value] }
      if case .array(let values) = value { return values }
      return []
    }
    let (leftIsArray, rightIsArray) = (leftTarget.isArray, rightTarget.isArray)
    return FunctionExpression("array_cat", [l, r], type, strict: false) { values, _ in
      if leftIsArray, rightIsArray, values[0].isNull, values[1].isNull { return .null }
      return .array(items(values[0], leftIsArray) + items(values[1], rightIsArray))
    }
  }

  private func bindMember(_ name: String, _ left: BoundExpression, _ right: BoundExpression, at position: Int) throws
    -> BoundExpression
  {
    guard left.type.base == .jsonb || left.type.base == .json else {
      throw noOperator(name, left.type, right.type, at: position)
    }
    let canonical = left.type.base == .jsonb
    let key = right.type.isInteger ? right : try coerce(right, to: .text, .implicit)
    guard let key else { throw noOperator(name, left.type, right.type, at: position) }
    return BinaryExpression(name, left, key, name == "->" ? left.type : .text) { value, key in
      try Arithmetic.member(of: value.textValue, key, asText: name == "->>", canonical: canonical)
    }
  }

  private func bindArrayOperator(_ name: String, _ left: BoundExpression, _ right: BoundExpression, at position: Int)
    throws -> BoundExpression
  {
    guard left.type.isArray || right.type.isArray else {
      throw Failure.unsupported("the operator \(name) on \(left.type)", at: position)
    }
    let type = left.type.isArray ? left.type : right.type
    guard let l = try coerce(left, to: type, .implicit), let r = try coerce(right, to: type, .implicit) else {
      throw noOperator(name, left.type, right.type, at: position)
    }
    return BinaryExpression(name, l, r, .bool) { a, b in
      let (first, second) = (Set(a.arrayValue.map(HashedDatum.init)), Set(b.arrayValue.map(HashedDatum.init)))
      switch name {
      case "&&": return .bool(!first.isDisjoint(with: second))
      case "@>": return .bool(second.isSubset(of: first))
      default: return .bool(first.isSubset(of: second))
      }
    }
  }
}

/// The arithmetic of the operators, with PostgreSQL's errors.
enum Arithmetic {
  static let divisionByZero = Failure.make("22012", "division by zero")

  static func integers(_ name: String, _ a: Int64, _ b: Int64, _ type: SQLType) throws -> Datum {
    let (value, overflow): (Int64, Bool)
    switch name {
    case "+": (value, overflow) = a.addingReportingOverflow(b)
    case "-": (value, overflow) = a.subtractingReportingOverflow(b)
    case "*": (value, overflow) = a.multipliedReportingOverflow(by: b)
    case "/":
      if b == 0 { throw divisionByZero }
      (value, overflow) = a.dividedReportingOverflow(by: b)
    default:
      if b == 0 { throw divisionByZero }
      (value, overflow) = b == -1 ? (0, false) : a.remainderReportingOverflow(dividingBy: b)
    }
    if overflow || !Datum.fits(value, type) { throw Failure.outOfRange(type) }
    return .int(value)
  }

  static func doubles(_ name: String, _ a: Double, _ b: Double) throws -> Double {
    let value: Double
    switch name {
    case "+": value = a + b
    case "-": value = a - b
    case "*": value = a * b
    default:
      if b == 0 { throw divisionByZero }
      value = a / b
    }
    if value.isInfinite, a.isFinite, b.isFinite {
      throw Failure.make("22003", "value out of range: overflow")
    }
    return value
  }

  static func numerics(_ name: String, _ a: Numeric, _ b: Numeric) throws -> Numeric {
    let value: Numeric?
    switch name {
    case "+": value = Numeric.add(a, b)
    case "-": value = Numeric.add(a, b, negate: true)
    case "*": value = Numeric.multiply(a, b)
    case "/":
      if b.unscaled == 0 { throw divisionByZero }
      value = Numeric.divide(a, b)
    default:
      if b.unscaled == 0 { throw divisionByZero }
      let scale = max(a.scale, b.scale)
      if let x = a.rescaled(to: scale), let y = b.rescaled(to: scale) {
        value = Numeric(unscaled: x.unscaled % y.unscaled, scale: scale)
      } else {
        value = nil
      }
    }
    guard let value else { throw Failure.unsupported("numeric values of more than 38 digits") }
    return value
  }

  static func shift(_ time: Datum, _ span: Datum, _ back: Bool) throws -> Datum {
    guard case .timestamp(let start) = time, case .interval(let interval) = span else { return .null }
    return .timestamp(try Datum.add(start, back ? -interval : interval))
  }

  /// Whole days and the rest, as `timestamptz_mi` followed by `interval_justify_hours`.
  static func difference(_ a: Datum, _ b: Datum) -> Datum {
    guard case .timestamp(let left) = a, case .timestamp(let right) = b else { return .null }
    let span = left - right
    return .interval(
      Interval(days: Int32(span / 86_400_000_000), microseconds: span % 86_400_000_000))
  }

  static func member(of text: String, _ key: Datum, asText: Bool, canonical: Bool) throws -> Datum {
    var found: JSONText.Node?
    switch (try JSONText.parse(text), key) {
    case (.object(let members), .text(let name)): found = members.last { $0.key == name }?.value
    case (.array(let items), .int(let index)):
      let place = index < 0 ? items.count + Int(index) : Int(index)
      if items.indices.contains(place) { found = items[place] }
    default: break
    }
    guard let found else { return .null }
    guard asText else { return .json(JSONText.print(found, canonical: canonical)) }
    switch found {
    case .scalar("null"): return .null
    case .string(let value): return .text(value)
    default: return .text(JSONText.print(found, canonical: canonical))
    }
  }
}
