/// The types that the engine knows, by PostgreSQL's internal names.
enum BaseType: UInt8, Hashable {
  case bool, int2, int4, int8, float8, numeric, text, varchar, name, uuid, timestamptz, interval, json, jsonb, bytea
  case oid, void, record, unknown

  /// `pg_type.typname`.
  var name: String {
    switch self {
    case .bool: "bool"
    case .int2: "int2"
    case .int4: "int4"
    case .int8: "int8"
    case .float8: "float8"
    case .numeric: "numeric"
    case .text: "text"
    case .varchar: "varchar"
    case .name: "name"
    case .uuid: "uuid"
    case .timestamptz: "timestamptz"
    case .interval: "interval"
    case .json: "json"
    case .jsonb: "jsonb"
    case .bytea: "bytea"
    case .oid: "oid"
    case .void: "void"
    case .record: "record"
    case .unknown: "unknown"
    }
  }

  /// What `format_type` prints, as error messages name types.
  var formatted: String {
    switch self {
    case .bool: "boolean"
    case .int2: "smallint"
    case .int4: "integer"
    case .int8: "bigint"
    case .float8: "double precision"
    case .varchar: "character varying"
    case .timestamptz: "timestamp with time zone"
    default: name
    }
  }
}

/// A type with its modifier: the length of a varchar, or the precision and scale of a numeric.
struct SQLType: Hashable, CustomStringConvertible {
  var base: BaseType
  var isArray = false
  /// varchar: the length. numeric: precision × 65536 + scale. -1: none.
  var modifier: Int32 = -1

  init(_ base: BaseType, isArray: Bool = false, modifier: Int32 = -1) {
    self.base = base
    self.isArray = isArray
    self.modifier = modifier
  }

  static let bool = SQLType(.bool)
  static let int2 = SQLType(.int2)
  static let int4 = SQLType(.int4)
  static let int8 = SQLType(.int8)
  static let float8 = SQLType(.float8)
  static let numeric = SQLType(.numeric)
  static let text = SQLType(.text)
  static let uuid = SQLType(.uuid)
  static let timestamptz = SQLType(.timestamptz)
  static let interval = SQLType(.interval)
  static let json = SQLType(.json)
  static let jsonb = SQLType(.jsonb)
  static let unknown = SQLType(.unknown)
  static let void = SQLType(.void)

  var isUnknown: Bool { base == .unknown }
  var element: SQLType { SQLType(base, modifier: modifier) }
  var array: SQLType { SQLType(base, isArray: true) }
  var withoutModifier: SQLType { SQLType(base, isArray: isArray) }

  /// The name as a result's column carries it: `int4`, `uuid[]`.
  var typeName: String { isArray ? base.name + "[]" : base.name }

  /// The name as messages print it.
  var description: String { isArray ? base.formatted + "[]" : base.formatted }

  /// The name with its modifier, as schema descriptions print it.
  var fullDescription: String {
    guard modifier >= 0 else { return description }
    switch base {
    case .varchar: return "character varying(\(modifier))" + (isArray ? "[]" : "")
    case .numeric: return "numeric(\(modifier >> 16),\(modifier & 0xFFFF))" + (isArray ? "[]" : "")
    default: return description
    }
  }

  var isInteger: Bool { !isArray && (base == .int2 || base == .int4 || base == .int8) }
  var isNumber: Bool { isInteger || (!isArray && (base == .numeric || base == .float8)) }
  var isString: Bool { !isArray && (base == .text || base == .varchar || base == .name) }

  /// Where a number type stands in the order of promotion.
  var numberRank: Int {
    switch base {
    case .int2: 1
    case .int4: 2
    case .int8: 3
    case .numeric: 4
    case .float8: 5
    default: 0
    }
  }

  /// The type that a written name means, `nil` for one that the engine does not know.
  static func named(_ name: String) -> BaseType? {
    switch name {
    case "bool", "boolean": .bool
    case "int2", "smallint": .int2
    case "int4", "int", "integer": .int4
    case "int8", "bigint": .int8
    case "float8", "double precision": .float8
    case "numeric", "decimal": .numeric
    case "text": .text
    case "varchar", "character varying": .varchar
    case "name": .name
    case "uuid": .uuid
    case "timestamptz", "timestamp with time zone": .timestamptz
    case "interval": .interval
    case "json": .json
    case "jsonb": .jsonb
    case "bytea": .bytea
    case "oid": .oid
    default: nil
    }
  }
}
