import Foundation
import NIOCore
package import ServiceKit

/// docs/events.md: the schema and the example of each event.
package struct EventDocument {
  /// An event's section.
  package struct Entry: Sendable {
    package let type: String
    package let schema: JSONValue
    package let example: JSONValue
  }

  package let schemas: JSONSchema
  package let entries: [Entry]

  package init() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "../../docs/events.md")
    let text = try String(contentsOf: path, encoding: .utf8)
    var entries: [Entry] = []
    var all: [JSONValue] = []
    for section in text.components(separatedBy: "\n## ").dropFirst() {
      let title = String(section.prefix { $0 != "\n" })
      let blocks = try section.components(separatedBy: "```json\n").dropFirst().map { block in
        try StrictJSON.parse(block.components(separatedBy: "```")[0])
      }
      all += blocks
      if blocks.count == 2 { entries.append(Entry(type: title, schema: blocks[0], example: blocks[1])) }
    }
    self.entries = entries
    schemas = JSONSchema(documents: all)
  }

  /// What is wrong with an event, by the schema of its type.
  package func problems(of event: JSONValue) -> [String] {
    let type = event["type"]?.string ?? ""
    guard let entry = entries.first(where: { $0.type == type }) else { return ["there is no schema of \(type)"] }
    return schemas.problems(of: event, by: entry.schema) + undocumented(event, entry)
  }

  /// Members that the schema does not name: allowed on the wire, and to be documented.
  private func undocumented(_ event: JSONValue, _ entry: Entry) -> [String] {
    let attributes = schemas.definitions["urn:zoco:schema:event"]?["properties"]
    let data = entry.schema["properties"]?["data"]?["properties"]
    return event.names.filter { attributes?[$0] == nil }.map { "the attribute \($0) is not documented" }
      + (event["data"]?.names ?? []).filter { data?[$0] == nil }.map { "data.\($0) is not documented" }
  }
}

/// The part of JSON Schema (2020-12) that docs/events.md uses. A keyword that is not known is a problem.
package struct JSONSchema {
  /// The schemas that have an `$id`, by it.
  package private(set) var definitions: [String: JSONValue] = [:]

  package init(documents: [JSONValue]) {
    for document in documents { collect(document) }
  }

  private mutating func collect(_ value: JSONValue) {
    if let id = value["$id"]?.string { definitions[id] = value }
    if case .object(let members) = value { for member in members { collect(member.value) } }
  }

  /// What is wrong with `value`, each with its place.
  package func problems(of value: JSONValue, by schema: JSONValue, at place: String = "") -> [String] {
    guard case .object(let keywords) = schema else { return ["\(place): the schema is no object"] }
    return keywords.flatMap {
      problems(of: value, by: $0.name, $0.value).map { place.isEmpty ? $0 : "\(place): \($0)" }
    }
      + nested(value, schema, place)
  }

  private func nested(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
    var problems: [String] = []
    for member in schema["properties"]?.members ?? [] {
      guard let inner = value[member.name] else { continue }
      problems += self.problems(of: inner, by: member.value, at: "\(place).\(member.name)")
    }
    if let items = schema["items"] {
      for (index, element) in (value.array ?? []).enumerated() {
        problems += self.problems(of: element, by: items, at: "\(place)[\(index)]")
      }
    }
    for part in schema["allOf"]?.array ?? [] { problems += self.problems(of: value, by: part, at: place) }
    if let reference = schema["$ref"]?.string {
      guard let target = definitions[reference] else { return problems + ["\(place): there is no \(reference)"] }
      problems += self.problems(of: value, by: target, at: place)
    }
    return problems
  }

  private func problems(of value: JSONValue, by keyword: String, _ argument: JSONValue) -> [String] {
    let holds: Bool
    switch keyword {
    case "$id", "$schema", "$ref", "$defs", "allOf", "properties", "items": holds = true
    case "type": holds = value.schemaType == argument.string
    case "const": holds = value == argument
    case "enum": holds = argument.array?.contains(value) == true
    case "required":
      return (argument.array ?? []).compactMap { name in
        value[name.string ?? ""] == nil ? "\(name.string ?? "") is missing" : nil
      }
    case "minLength": holds = value.string.map { $0.unicodeScalars.count >= argument.integer ?? 0 } ?? true
    case "minItems": holds = value.array.map { $0.count >= argument.integer ?? 0 } ?? true
    case "maxItems": holds = value.array.map { $0.count <= argument.integer ?? 0 } ?? true
    case "minimum": holds = value.integer.map { $0 >= argument.integer ?? 0 } ?? true
    case "maximum": holds = value.integer.map { $0 <= argument.integer ?? 0 } ?? true
    case "pattern": holds = value.string.map { matches($0, argument.string ?? "") } ?? true
    case "format": holds = value.string.map { hasFormat($0, argument.string ?? "") } ?? true
    default: return ["the keyword \(keyword) is not known"]
    }
    return holds ? [] : ["\(keyword) \(argument) does not hold of \(value)"]
  }

  private func matches(_ text: String, _ pattern: String) -> Bool {
    text.range(of: pattern, options: .regularExpression) != nil
  }

  private func hasFormat(_ text: String, _ format: String) -> Bool {
    switch format {
    case "uuid": matches(text, "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    case "date-time": matches(text, "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$")
    default: false
    }
  }
}

extension JSONValue {
  /// The members of an object; of anything else none.
  package var members: [JSONMember] {
    if case .object(let members) = self { members } else { [] }
  }

  /// The names of an object's members.
  package var names: [String] { members.map(\.name) }

  /// What JSON Schema calls the value's type.
  fileprivate var schemaType: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}
