import Seams

/// When a conversion is asked for (manual §10): in an expression, for storage, or by CAST.
enum CastContext: Int {
  case implicit, assignment, explicit
}

extension Binder {
  /// Whether a value of `source` converts to `target` in `context`.
  static func canCast(_ source: SQLType, _ target: SQLType, _ context: CastContext) -> Bool {
    if source.isUnknown || source.withoutModifier == target.withoutModifier { return true }
    if source.isArray || target.isArray {
      if target.isString { return context != .implicit }
      if source.isString { return context == .explicit && target.isArray }
      return source.isArray && target.isArray && canCast(source.element, target.element, context)
    }
    switch (source.base, target.base) {
    case (_, _) where source.isNumber && target.isNumber:
      return source.numberRank < target.numberRank || context != .implicit
    case (_, _) where source.isString && target.isString: return true
    case (_, _) where target.isString: return context != .implicit
    case (_, _) where source.isString: return context == .explicit
    case (.json, .jsonb), (.jsonb, .json): return context != .implicit
    case (.bool, .int4), (.int4, .bool): return context == .explicit
    case (.int2, .oid), (.int4, .oid), (.int8, .oid): return true
    case (.oid, .int8): return context != .implicit
    default: return false
    }
  }

  /// Converts, and settles the type of a parameter or literal that has none yet; `nil` where there is no cast.
  func coerce(_ expression: BoundExpression, to target: SQLType, _ context: CastContext) throws -> BoundExpression? {
    let source = expression.type
    if source.isUnknown {
      if let parameter = expression as? ParameterExpression {
        if let known = parameterTypes[parameter.index], known.withoutModifier != target.withoutModifier {
          parameter.type = known
          return try coerce(parameter, to: target, context)
        }
        parameterTypes[parameter.index] = target.withoutModifier
        parameter.type = target.withoutModifier
        return target.modifier >= 0 ? fitted(parameter, to: target, context) : parameter
      }
      if let constant = expression as? ConstantExpression {
        if constant.value.isNull { return ConstantExpression(.null, target, at: constant.position) }
        do {
          return ConstantExpression(
            try Datum.parse(constant.value.textValue, as: target), target, at: constant.position)
        } catch var error as SQLError {
          error.position = constant.position.map { $0 + 1 }
          throw error
        }
      }
      if target.base == .text { return UnaryExpression("text", expression, target) { $0 } }
      return conversion(of: UnaryExpression("text", expression, .text) { $0 }, to: target)
    }
    guard Binder.canCast(source, target, context) else { return nil }
    if source.withoutModifier == target.withoutModifier {
      return target.modifier >= 0 && target.modifier != source.modifier
        ? fitted(expression, to: target, context) : expression
    }
    return conversion(of: expression, to: target, explicit: context == .explicit)
  }

  /// Makes a value fit a varchar's length or a numeric's scale.
  private func fitted(_ expression: BoundExpression, to target: SQLType, _ context: CastContext) -> BoundExpression {
    UnaryExpression("fit \(target.fullDescription)", expression, target) { value in
      switch value {
      case .text(let text):
        if context == .explicit { return .text(String(text.unicodeScalars.prefix(Int(target.modifier)))) }
        return .text(try Datum.fit(text, target))
      case .numeric(let number): return .numeric(try Datum.fit(number, target))
      default: return value
      }
    }
  }

  private func conversion(of expression: BoundExpression, to target: SQLType, explicit: Bool = false)
    -> BoundExpression
  {
    let source = expression.type
    if let constant = expression as? ConstantExpression,
      let value = try? Binder.convert(constant.value, source, target, explicit: explicit)
    {
      return ConstantExpression(value, target, at: constant.position)
    }
    return UnaryExpression("cast \(target.fullDescription)", expression, target) {
      try Binder.convert($0, source, target, explicit: explicit)
    }
  }

  static func convert(_ value: Datum, _ source: SQLType, _ target: SQLType, explicit: Bool) throws -> Datum {
    if value.isNull { return .null }
    if source.isArray, target.isArray {
      return .array(try value.arrayValue.map { try convert($0, source.element, target.element, explicit: explicit) })
    }
    if target.isNumber, source.isNumber { return try convertNumber(value, target) }
    switch (source.base, target.base) {
    case (.bool, .int4) where !source.isArray: return .int(value.isTrue ? 1 : 0)
    case (.int4, .bool) where !source.isArray: return .bool(value.intValue != 0)
    case (.int2, .oid), (.int4, .oid), (.int8, .oid), (.oid, .int8): return value
    default: break
    }
    if target.isString {
      let text = value.castText
      guard target.modifier >= 0 else { return .text(text) }
      return .text(
        explicit ? String(text.unicodeScalars.prefix(Int(target.modifier))) : try Datum.fit(text, target))
    }
    return try Datum.parse(value.outputText, as: target)
  }

  private static func convertNumber(_ value: Datum, _ target: SQLType) throws -> Datum {
    switch target.base {
    case .float8: return .double(value.doubleValue)
    case .numeric:
      switch value {
      case .double(let number):
        guard number.isFinite, let exact = Numeric(number.description) else {
          throw Failure.unsupported("numeric values beyond 38 digits")
        }
        return .numeric(try Datum.fit(exact, target))
      default: return .numeric(try Datum.fit(value.numericValue, target))
      }
    default:
      let number: Int64
      switch value {
      case .int(let exact): number = exact
      case .double(let inexact):
        guard let exact = Int64(exactly: inexact.rounded(.toNearestOrEven)) else { throw Failure.outOfRange(target) }
        number = exact
      default:
        guard let exact = Int64(exactly: value.numericValue.rounded) else { throw Failure.outOfRange(target) }
        number = exact
      }
      guard Datum.fits(number, target) else { throw Failure.outOfRange(target) }
      return .int(number)
    }
  }

  /// The type that all of several values take in CASE, COALESCE, VALUES, UNION, IN and ARRAY (manual §10.5).
  func commonType(_ types: [(type: SQLType, position: Int?)], _ construct: String) throws -> SQLType {
    var result: SQLType?
    for (type, position) in types where !type.isUnknown {
      guard let known = result else {
        result = type
        continue
      }
      if known.withoutModifier == type.withoutModifier {
        if known.modifier != type.modifier { result = known.withoutModifier }
      } else if Binder.canCast(known, type, .implicit) && !Binder.canCast(type, known, .implicit) {
        result = type
      } else if !Binder.canCast(type, known, .implicit) {
        throw Failure.make("42804", "\(construct) types \(known) and \(type) cannot be matched", at: position)
      }
    }
    return result ?? .text
  }

  func unify(_ expressions: [BoundExpression], _ construct: String) throws -> ([BoundExpression], SQLType) {
    let type = try commonType(expressions.map { ($0.type, $0.position) }, construct)
    let unified = try expressions.map { expression -> BoundExpression in
      guard let converted = try coerce(expression, to: type, .implicit) else {
        throw Failure.make(
          "42804", "\(construct) types \(type) and \(expression.type) cannot be matched", at: expression.position)
      }
      return converted
    }
    return (unified, type)
  }

  /// A condition: of type boolean.
  func condition(_ expression: BoundExpression, _ construct: String, at position: Int) throws -> BoundExpression {
    guard let value = try coerce(expression, to: .bool, .implicit) else {
      throw Failure.make(
        "42804", "argument of \(construct) must be type boolean, not type \(expression.type)", at: position)
    }
    return value
  }

  /// Settles what has no type yet as text, as PostgreSQL does for a select list.
  func resolved(_ expression: BoundExpression) throws -> BoundExpression {
    expression.type.isUnknown ? try coerce(expression, to: .text, .implicit) ?? expression : expression
  }
}
