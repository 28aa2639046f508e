internal import FoundationEssentials
package import NIOCore
internal import Seams

/// A message is no event that a service of Zoco could read. It will not become one: trying again is of no use.
package struct MalformedEvent: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong with it.
  package let description: String

  /// A message with which `description` is wrong.
  package init(_ description: String) { self.description = description }
}

extension CloudEvent {
  /// Reads an event in structured mode.
  ///
  /// Ids are UUIDs here, which CloudEvents does not ask for: the inbox is keyed by them.
  ///
  /// - Throws: ``MalformedEvent`` that names what is wrong: no JSON, an attribute that is missing or of another kind,
  ///   another version of CloudEvents.
  package init(parsing text: ByteBuffer) throws(MalformedEvent) {
    let json: JSONValue
    do {
      json = try StrictJSON.parse(text)
    } catch {
      throw MalformedEvent("it is not JSON: \(error.detail)")
    }
    guard case .object = json else { throw MalformedEvent("it is \(json.kind), not a JSON object") }
    let reader = AttributeReader(json: json)
    let version = try reader.required("specversion")
    guard version == "1.0" else { throw MalformedEvent("specversion is \"\(excerpt(version))\", not \"1.0\"") }
    id = try reader.id("id", try reader.required("id"))
    source = try reader.required("source")
    type = try reader.required("type")
    subject = try reader.optional("subject")
    traceparent = try reader.optional("traceparent")
    correlationId = nil
    if let text = try reader.optional("correlationid") { correlationId = try reader.id("correlationid", text) }
    time = nil
    if let text = try reader.optional("time") {
      guard let parsed = Timestamp(text) else {
        throw MalformedEvent("time is \"\(excerpt(text))\", not an RFC 3339 time")
      }
      time = parsed
    }
    sequence = nil
    if let text = try reader.optional("sequence") {
      guard let number = Int(text), number >= 0 else {
        throw MalformedEvent("sequence is \"\(excerpt(text))\", not a number in decimal digits")
      }
      sequence = number
    }
    data = json["data"]
  }
}

/// Reads the attributes of an event, which are all strings.
private struct AttributeReader {
  let json: JSONValue

  func optional(_ name: String) throws(MalformedEvent) -> String? {
    guard let value = json[name], value != .null else { return nil }
    guard let text = value.string else { throw MalformedEvent("\(name) is \(value.kind), not a string") }
    guard !text.isEmpty else { throw MalformedEvent("\(name) is empty") }
    return text
  }

  func required(_ name: String) throws(MalformedEvent) -> String {
    guard let text = try optional(name) else { throw MalformedEvent("\(name) is missing") }
    return text
  }

  func id(_ name: String, _ text: String) throws(MalformedEvent) -> UUID {
    guard let id = UUID(text: text) else { throw MalformedEvent("\(name) is \"\(excerpt(text))\", not a UUID") }
    return id
  }
}
