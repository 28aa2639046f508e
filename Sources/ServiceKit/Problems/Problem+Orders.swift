package import FoundationEssentials
internal import HTTPTypes

/// Problems of orders.
extension Problem {
  /// 404: the user has no such order; whether somebody else has is not told.
  package static func orderNotFound(_ orderId: UUID) -> Problem {
    Problem(
      status: .notFound, code: "order_not_found", title: "There is no such order",
      detail: "You have no order \(orderId.canonicalText).")
  }

  /// 409: the order has come to its end, which stays.
  package static func orderNotCancellable(status: String) -> Problem {
    Problem(
      status: .conflict, code: "order_not_cancellable", title: "The order cannot be cancelled any more",
      detail: "The order is \(status).", members: [JSONMember("orderStatus", .string(status))])
  }
}
