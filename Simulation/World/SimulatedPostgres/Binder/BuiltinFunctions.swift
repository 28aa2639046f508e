import Seams
import SimulationKernel

/// The functions that the engine knows, by name and argument types.
enum BuiltinFunctions {
  /// Functions of PostgreSQL that people use and the engine does not have: refused, not reported as missing.
  static let refused: Set<String> = [
    "to_char", "to_timestamp", "date_trunc", "date_part", "regexp_replace", "regexp_matches", "split_part", "format",
    "json_agg", "jsonb_agg", "json_build_object", "jsonb_build_object", "jsonb_set", "row_to_json", "array_to_string",
    "string_to_array", "array_remove", "array_position", "random", "hashtext", "hashtextextended", "md5", "sha256",
    "encode", "decode", "nextval", "currval", "setval", "lastval", "pg_notify", "substr", "substring", "replace",
    "age", "timezone", "percentile_cont", "lag", "lead", "first_value", "last_value", "dense_rank", "ntile",
    "txid_current", "pg_current_xact_id", "jsonb_array_elements", "json_array_elements", "jsonb_each", "lpad", "rpad",
    "stddev", "variance", "trunc", "power", "sqrt", "unnest", "generate_series",
  ]

  static func bind(_ name: String, _ arguments: [BoundExpression], _ binder: Binder, at position: Int) throws
    -> BoundExpression?
  {
    if let bound = try bindTime(name, arguments, binder) { return bound }
    if let bound = try bindText(name, arguments, binder) { return bound }
    if let bound = try bindSession(name, arguments, binder, at: position) { return bound }
    return try bindOther(name, arguments, binder)
  }

  /// The arguments converted to `types`, `nil` when they do not fit.
  private static func typed(_ arguments: [BoundExpression], _ binder: Binder, _ types: SQLType...) throws
    -> [BoundExpression]?
  {
    guard arguments.count == types.count else { return nil }
    var result: [BoundExpression] = []
    for (argument, type) in zip(arguments, types) {
      guard let value = try binder.coerce(argument, to: type, .implicit) else { return nil }
      result.append(value)
    }
    return result
  }

  private static func bindTime(_ name: String, _ arguments: [BoundExpression], _ binder: Binder) throws
    -> BoundExpression?
  {
    switch (name, arguments.count) {
    case ("now", 0), ("transaction_timestamp", 0):
      return FunctionExpression("now", [], .timestamptz) { _, context in
        .timestamp(context.activeSession.transaction?.startTime ?? 0)
      }
    case ("statement_timestamp", 0):
      return FunctionExpression(name, [], .timestamptz) { _, context in .timestamp(context.activeSession.statementTime)
      }
    case ("clock_timestamp", 0):
      return FunctionExpression(name, [], .timestamptz) { _, context in
        .timestamp(context.activeSession.database.wallNow)
      }
    case ("extract_epoch", 1):
      let value = arguments[0]
      guard value.type.base == .timestamptz || value.type.base == .interval else { return nil }
      return UnaryExpression("extract", value, .numeric) { value in
        switch value {
        case .timestamp(let time): return .numeric(Numeric(unscaled: Int128(time), scale: 6))
        case .interval(let span):
          let years = Int128(span.months / 12) * 31_557_600_000_000
          let months = Int128(span.months % 12) * 2_592_000_000_000
          let rest = Int128(span.days) * 86_400_000_000 + Int128(span.microseconds)
          return .numeric(Numeric(unscaled: years + months + rest, scale: 6))
        default: return .null
        }
      }
    default: return nil
    }
  }

  private static func bindText(_ name: String, _ arguments: [BoundExpression], _ binder: Binder) throws
    -> BoundExpression?
  {
    switch name {
    case "lower", "upper":
      guard let typed = try typed(arguments, binder, .text) else { return nil }
      return UnaryExpression(name, typed[0], .text) {
        .text(name == "lower" ? $0.textValue.lowercased() : $0.textValue.uppercased())
      }
    case "length", "char_length", "octet_length":
      if name != "char_length", arguments.count == 1, arguments[0].type.base == .bytea {
        return UnaryExpression(name, arguments[0], .int4) { value in
          if case .bytes(let bytes) = value { return .int(Int64(bytes.count)) }
          return .null
        }
      }
      guard let typed = try typed(arguments, binder, .text) else { return nil }
      return UnaryExpression(name, typed[0], .int4) { value in
        let text = value.textValue
        return .int(Int64(name == "octet_length" ? text.utf8.count : text.unicodeScalars.count))
      }
    case "btrim":
      guard let typed = try typed(arguments, binder, .text) else { return nil }
      return UnaryExpression(name, typed[0], .text) { value in
        var text = value.textValue[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return .text(String(text))
      }
    case "concat":
      let texts = try arguments.compactMap { try binder.coerce($0, to: .text, .explicit) }
      guard texts.count == arguments.count, !texts.isEmpty else { return nil }
      return FunctionExpression(name, texts, .text, strict: false) { values, _ in
        .text(values.map { $0.isNull ? "" : $0.textValue }.joined())
      }
    default: return nil
    }
  }

  private static func bindSession(
    _ name: String, _ arguments: [BoundExpression], _ binder: Binder, at position: Int
  ) throws -> BoundExpression? {
    switch name {
    case "pg_backend_pid" where arguments.isEmpty:
      return FunctionExpression(name, [], .int4) { _, context in .int(Int64(context.activeSession.pid)) }
    case "version" where arguments.isEmpty:
      return ConstantExpression(.text("PostgreSQL 15 (simulated)"), .text)
    case "current_database" where arguments.isEmpty: return ConstantExpression(.text("zoco"), SQLType(.name))
    case "current_user" where arguments.isEmpty: return ConstantExpression(.text("zoco"), SQLType(.name))
    case "current_schema" where arguments.isEmpty: return ConstantExpression(.text("public"), SQLType(.name))
    case "pg_try_advisory_lock", "pg_try_advisory_xact_lock":
      let key = try advisoryKey(name, arguments, binder, at: position)
      let isForTransaction = name == "pg_try_advisory_xact_lock"
      return FunctionExpression(name, key, .bool) { values, context in
        .bool(context.activeSession.tryAdvisoryLock(tag(values), forTransaction: isForTransaction))
      }
    case "pg_advisory_unlock":
      let key = try advisoryKey(name, arguments, binder, at: position)
      return FunctionExpression(name, key, .bool) { values, context in
        .bool(context.activeSession.advisoryUnlock(tag(values), shared: false))
      }
    case "pg_advisory_unlock_all" where arguments.isEmpty:
      return FunctionExpression(name, [], .void) { _, context in
        context.activeSession.advisoryUnlockAll()
        return .text("")
      }
    case "pg_blocking_pids":
      guard let typed = try typed(arguments, binder, .int4) else { return nil }
      return FunctionExpression(name, typed, SQLType.int4.array) { values, context in
        let database = context.activeSession.database
        guard let session = database.sessions.first(where: { $0.pid == Int(values[0].intValue) }) else {
          return .array([])
        }
        return .array(database.locks.blockingPIDs(of: session).map { .int(Int64($0)) })
      }
    case "set_config":
      guard let typed = try typed(arguments, binder, .text, .text, .bool) else { return nil }
      return FunctionExpression(name, typed, .text) { values, context in
        let session = context.activeSession
        try session.set(values[0].textValue, values[1].textValue, isLocal: values[2].isTrue, at: position)
        return .text(try session.show(values[0].textValue, at: position))
      }
    case "current_setting":
      guard let typed = try typed(arguments, binder, .text) else { return nil }
      return FunctionExpression(name, typed, .text) { values, context in
        .text(try context.activeSession.show(values[0].textValue, at: position))
      }
    case "to_regclass":
      guard let typed = try typed(arguments, binder, .text) else { return nil }
      return FunctionExpression(name, typed, .text) { values, context in
        let session = context.activeSession
        var wanted = values[0].textValue
        if wanted.hasPrefix("public.") { wanted.removeFirst(7) }
        let table = session.database.table(named: wanted, for: session.transaction)
        return table.map { .text($0.name) } ?? .null
      }
    default: return nil
    }
  }

  private static func bindOther(_ name: String, _ arguments: [BoundExpression], _ binder: Binder) throws
    -> BoundExpression?
  {
    switch name {
    case "gen_random_uuid" where arguments.isEmpty:
      return FunctionExpression(name, [], .uuid) { _, context in
        let entropy = context.activeSession.database.entropy
        let high = entropy.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = entropy.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return .uuid(high, low)
      }
    case "abs":
      guard arguments.count == 1, arguments[0].type.isNumber else { return nil }
      let type = arguments[0].type
      return UnaryExpression(name, arguments[0], type) { value in
        switch value {
        case .int(let number): return number < 0 ? try Arithmetic.integers("-", 0, number, type) : value
        case .double(let number): return .double(Swift.abs(number))
        default:
          let number = value.numericValue
          return .numeric(Numeric(unscaled: Swift.abs(number.unscaled), scale: number.scale))
        }
      }
    case "mod":
      guard arguments.count == 2 else { return nil }
      return try binder.bindOperator("%", arguments[0], arguments[1], at: 0)
    case "floor", "ceil", "ceiling", "round":
      return try bindRounding(name, arguments, binder)
    case "cardinality", "array_length":
      guard let array = arguments.first, array.type.isArray, arguments.count == (name == "cardinality" ? 1 : 2) else {
        return nil
      }
      return UnaryExpression(name, array, .int4) { value in
        let count = value.arrayValue.count
        return count == 0 && name == "array_length" ? .null : .int(Int64(count))
      }
    case "to_json", "to_jsonb":
      guard arguments.count == 1, let value = try binder.coerce(arguments[0], to: .text, .explicit) else { return nil }
      let type = arguments[0].type
      return UnaryExpression(name, value, name == "to_json" ? .json : .jsonb) { value in
        if type.isNumber || type.base == .bool || type.base == .json || type.base == .jsonb {
          return .json(value.textValue)
        }
        return .json(JSONText.quote(value.textValue))
      }
    default: return nil
    }
  }

  private static func bindRounding(_ name: String, _ arguments: [BoundExpression], _ binder: Binder) throws
    -> BoundExpression?
  {
    guard let first = arguments.first, first.type.isNumber, arguments.count <= (name == "round" ? 2 : 1) else {
      return nil
    }
    if first.type.base == .float8, arguments.count == 1 {
      return UnaryExpression(name, first, .float8) { value in
        let number = value.doubleValue
        switch name {
        case "floor": return .double(number.rounded(.down))
        case "round": return .double(number.rounded(.toNearestOrEven))
        default: return .double(number.rounded(.up))
        }
      }
    }
    guard first.type.base != .float8, let value = try binder.coerce(first, to: .numeric, .implicit) else { return nil }
    let places = arguments.count == 2 ? try binder.coerce(arguments[1], to: .int4, .implicit) : nil
    let digits = places ?? ConstantExpression(.int(0), .int4)
    return BinaryExpression(name, value, digits, .numeric) { value, digits in
      let number = value.numericValue
      guard let rounded = number.rescaled(to: max(0, Int(digits.intValue))) else { return value }
      switch name {
      case "floor" where Numeric.compare(rounded, number) > 0:
        return .numeric(Numeric(unscaled: rounded.unscaled - 1, scale: 0))
      case "ceil" where Numeric.compare(rounded, number) < 0, "ceiling" where Numeric.compare(rounded, number) < 0:
        return .numeric(Numeric(unscaled: rounded.unscaled + 1, scale: 0))
      default: return .numeric(rounded)
      }
    }
  }

  // MARK: Advisory locks

  static func advisoryKey(_ name: String, _ arguments: [BoundExpression], _ binder: Binder, at position: Int) throws
    -> [BoundExpression]
  {
    if let one = try typed(arguments, binder, .int8) { return one }
    if let two = try typed(arguments, binder, .int4, .int4) { return two }
    let types = arguments.map { $0.type.description }.joined(separator: ", ")
    throw Failure.make("42883", "function \(name)(\(types)) does not exist", at: position)
  }

  static func tag(_ values: [Datum]) -> LockTag {
    values.count == 1
      ? .advisory(values[0].intValue)
      : .advisory(Int32(truncatingIfNeeded: values[0].intValue), Int32(truncatingIfNeeded: values[1].intValue))
  }
}
