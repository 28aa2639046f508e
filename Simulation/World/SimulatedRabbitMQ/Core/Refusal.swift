import Seams

/// The broker says no: the channel closes with this code and text.
struct Refusal: Error, Hashable {
  var code: BrokerReplyCode
  var text: String

  static func notFound(_ kind: String, _ name: String) -> Refusal {
    Refusal(code: .notFound, text: "NOT_FOUND - no \(kind) '\(name)' in vhost '/'")
  }

  static func accessRefused(_ text: String) -> Refusal {
    Refusal(code: .accessRefused, text: "ACCESS_REFUSED - \(text)")
  }

  static func precondition(_ text: String) -> Refusal {
    Refusal(code: .preconditionFailed, text: "PRECONDITION_FAILED - \(text)")
  }

  static func locked(_ queue: String) -> Refusal {
    Refusal(
      code: .resourceLocked,
      text: "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '\(queue)' in vhost '/'. It could be "
        + "originally declared on another connection or the exclusive property value does not match that of the "
        + "original declaration.")
  }

  static func inequivalent(_ argument: String, _ subject: String, received: String, current: String) -> Refusal {
    precondition(
      "inequivalent arg '\(argument)' for \(subject) in vhost '/': received \(received) but current is \(current)")
  }
}

/// Something that the double does not have: the run ends as a failure of the harness, because guessing would prove
/// nothing.
struct Unsupported: Error, CustomStringConvertible {
  var description: String
}
