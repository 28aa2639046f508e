package import FoundationEssentials
internal import HTTPTypes

/// Problems of those who operate a service.
extension Problem {
  /// 404: there is no such dead letter.
  package static func deadLetterNotFound(_ id: UUID) -> Problem {
    Problem(
      status: .notFound, code: "dead_letter_not_found", title: "There is no such dead letter",
      detail: "No dead letter has the id \(id.canonicalText).")
  }

  /// 409: the dead letter was dealt with before.
  package static func deadLetterResolved(_ resolution: String) -> Problem {
    Problem(
      status: .conflict, code: "dead_letter_resolved", title: "The dead letter was dealt with already",
      detail: "Nothing was done: the letter was \(resolution).",
      members: [JSONMember("resolution", .string(resolution))])
  }

  /// 404: there is no such order, whoever's.
  package static func sagaNotFound(_ orderId: UUID) -> Problem {
    Problem(
      status: .notFound, code: "order_not_found", title: "There is no such order",
      detail: "No order has the id \(orderId.canonicalText).")
  }

  /// 409: the saga is in a state in which nobody has to help it.
  package static func sagaNotStuck(state: String) -> Problem {
    Problem(
      status: .conflict, code: "saga_not_stuck", title: "The saga is not stuck",
      detail: "Nothing was done: the saga is \(state), and only a stuck one needs to be set going again.",
      members: [JSONMember("sagaState", .string(state))])
  }
}
