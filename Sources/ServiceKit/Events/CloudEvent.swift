package import FoundationEssentials
package import NIOCore
package import Seams

/// An event as it crosses the broker: the attributes of CloudEvents 1.0 that Zoco uses, and its data.
///
/// On the wire it is in structured mode (CloudEvents 1.0, JSON event format): one JSON object, of the media type
/// ``mediaType``. Attributes that are not listed here are allowed and not read.
package struct CloudEvent: Sendable, Hashable {
  /// The media type of an event's text (CloudEvents JSON event format 1.0, §3).
  package static let mediaType = "application/cloudevents+json"

  /// `id`: unique for ever. A copy of the event has the same one.
  package var id: UUID
  /// `source`: who tells, a URI reference: `urn:zoco:inventory`.
  package var source: String
  /// `type`: what happened: `InventoryReserved`.
  package var type: String
  /// `subject`: what it happened to.
  package var subject: String?
  /// `time`: when.
  package var time: Timestamp?
  /// `sequence`: rises from event to event of one subject (extension "Sequence").
  package var sequence: Int?
  /// `traceparent`: the trace in which it happened (extension "Distributed Tracing").
  package var traceparent: String?
  /// `correlationid`: the request that it goes back to.
  package var correlationId: UUID?
  /// `data`.
  package var data: JSONValue?

  /// An event of the given attributes.
  package init(
    id: UUID, source: String, type: String, subject: String? = nil, time: Timestamp? = nil, sequence: Int? = nil,
    traceparent: String? = nil, correlationId: UUID? = nil, data: JSONValue? = nil
  ) {
    self.id = id
    self.source = source
    self.type = type
    self.subject = subject
    self.time = time
    self.sequence = sequence
    self.traceparent = traceparent
    self.correlationId = correlationId
    self.data = data
  }

  /// The event's text. The same event gives the same bytes.
  package var encoded: ByteBuffer {
    var json = JSONWriter(capacity: 512)
    json.object { json in
      json.member("specversion", "1.0")
      json.member("id", id)
      json.member("source", source)
      json.member("type", type)
      if let subject { json.member("subject", subject) }
      if let time { json.member("time", time) }
      if let sequence { json.member("sequence", CloudEvent.text(of: sequence)) }
      if let traceparent { json.member("traceparent", traceparent) }
      if let correlationId { json.member("correlationid", correlationId) }
      if let data {
        json.member("datacontenttype", "application/json")
        json.member("data", data)
      }
    }
    return json.buffer
  }

  /// A sequence as CloudEvents wants it: a text whose order is that of the numbers. An integer attribute has 32 bits.
  private static func text(of sequence: Int) -> String {
    precondition(sequence >= 0, "a sequence is not negative")
    let digits = String(sequence)
    return String(repeating: "0", count: 19 - digits.utf8.count) + digits
  }
}
