/// The built-in types by OID (src/include/catalog/pg_type.dat): their OIDs are fixed for ever.
enum PostgresType {
  /// How a value's text form is read.
  enum Form: Sendable, Hashable {
    case bool, int, double, numeric, uuid, timestamptz, bytea, json, text
  }

  private struct Entry {
    var name: String
    var oid: UInt32
    var array: UInt32
    var form: Form
  }

  private static let entries: [Entry] = [
    Entry(name: "bool", oid: 16, array: 1000, form: .bool),
    Entry(name: "bytea", oid: 17, array: 1001, form: .bytea),
    Entry(name: "char", oid: 18, array: 1002, form: .text),
    Entry(name: "name", oid: 19, array: 1003, form: .text),
    Entry(name: "int8", oid: 20, array: 1016, form: .int),
    Entry(name: "int2", oid: 21, array: 1005, form: .int),
    Entry(name: "int4", oid: 23, array: 1007, form: .int),
    Entry(name: "regproc", oid: 24, array: 1008, form: .text),
    Entry(name: "text", oid: 25, array: 1009, form: .text),
    Entry(name: "oid", oid: 26, array: 1028, form: .text),
    Entry(name: "tid", oid: 27, array: 1010, form: .text),
    Entry(name: "xid", oid: 28, array: 1011, form: .text),
    Entry(name: "json", oid: 114, array: 199, form: .json),
    Entry(name: "xml", oid: 142, array: 143, form: .text),
    Entry(name: "cidr", oid: 650, array: 651, form: .text),
    Entry(name: "float4", oid: 700, array: 1021, form: .double),
    Entry(name: "float8", oid: 701, array: 1022, form: .double),
    Entry(name: "unknown", oid: 705, array: 0, form: .text),
    Entry(name: "money", oid: 790, array: 791, form: .text),
    Entry(name: "inet", oid: 869, array: 1041, form: .text),
    Entry(name: "bpchar", oid: 1042, array: 1014, form: .text),
    Entry(name: "varchar", oid: 1043, array: 1015, form: .text),
    Entry(name: "date", oid: 1082, array: 1182, form: .text),
    Entry(name: "time", oid: 1083, array: 1183, form: .text),
    Entry(name: "timestamp", oid: 1114, array: 1115, form: .text),
    Entry(name: "timestamptz", oid: 1184, array: 1185, form: .timestamptz),
    Entry(name: "interval", oid: 1186, array: 1187, form: .text),
    Entry(name: "timetz", oid: 1266, array: 1270, form: .text),
    Entry(name: "bit", oid: 1560, array: 1561, form: .text),
    Entry(name: "varbit", oid: 1562, array: 1563, form: .text),
    Entry(name: "numeric", oid: 1700, array: 1231, form: .numeric),
    Entry(name: "regclass", oid: 2205, array: 2210, form: .text),
    Entry(name: "regtype", oid: 2206, array: 2211, form: .text),
    Entry(name: "record", oid: 2249, array: 2287, form: .text),
    Entry(name: "void", oid: 2278, array: 0, form: .text),
    Entry(name: "uuid", oid: 2950, array: 2951, form: .uuid),
    Entry(name: "pg_lsn", oid: 3220, array: 3221, form: .text),
    Entry(name: "jsonb", oid: 3802, array: 3807, form: .json),
    Entry(name: "xid8", oid: 5069, array: 271, form: .text),
  ]

  private static let scalars = Dictionary(uniqueKeysWithValues: entries.map { ($0.oid, $0) })
  private static let arrays = Dictionary(
    uniqueKeysWithValues: entries.filter { $0.array != 0 }.map { ($0.array, $0) })

  /// The form of a scalar type; types that are not listed are text.
  static func form(ofOID oid: UInt32) -> Form { scalars[oid]?.form ?? .text }

  /// The form of an array's elements, `nil` when the type is not a listed array.
  static func elementForm(ofArrayOID oid: UInt32) -> Form? { arrays[oid]?.form }

  /// The name of a type: `int4`, `int4[]`; a type that is not built in is named by its OID.
  static func name(ofOID oid: UInt32) -> String {
    if let scalar = scalars[oid] { return scalar.name }
    if let element = arrays[oid] { return element.name + "[]" }
    return "oid \(oid)"
  }
}
