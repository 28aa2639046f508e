package import FoundationEssentials
package import Seams
package import ServiceKit

/// Something that happened to an order, as it goes into the outbox (CONTRACT, "Events").
package struct OrderEvent: OutboxEvent, Sendable, Hashable {
  /// The event's kind.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case orderCreated = "OrderCreated"
    case orderConfirmed = "OrderConfirmed"
    case orderFailed = "OrderFailed"
    case orderCancelled = "OrderCancelled"

    /// The key with which events of this kind are published.
    package var routingKey: String {
      switch self {
      case .orderCreated: "order.created"
      case .orderConfirmed: "order.confirmed"
      case .orderFailed: "order.failed"
      case .orderCancelled: "order.cancelled"
      }
    }
  }

  /// CloudEvents `id`.
  package var id: UUID
  /// What happened.
  package var kind: Kind
  /// CloudEvents `type`.
  package var type: String { kind.rawValue }
  /// CloudEvents `subject`: the order.
  package var subject: UUID
  /// CloudEvents `sequence`: an order begins with 1 and ends with 2.
  package var sequence: Int { kind == .orderCreated ? 1 : 2 }
  /// CloudEvents `correlationid`.
  package var correlationId: UUID
  /// CloudEvents `data`, as JSON.
  package var data: String

  /// The event `kind` of an order.
  ///
  /// - Parameter failure: why it failed; for ``Kind/orderFailed`` only.
  package init(
    _ kind: Kind, id: UUID, orderId: UUID, userId: String, total: Money, failure: OrderFailure?, correlationId: UUID
  ) {
    self.id = id
    self.kind = kind
    subject = orderId
    self.correlationId = correlationId
    data = Self.data(orderId: orderId, userId: userId, total: total, failure: failure)
  }

  /// `{orderId, userId, total, currency, failure?}`.
  static func data(orderId: UUID, userId: String, total: Money, failure: OrderFailure?) -> String {
    var json = JSONWriter(capacity: 192)
    json.object { json in
      json.member("orderId", orderId)
      json.member("userId", userId)
      json.member("total", total.amount)
      json.member("currency", total.currency)
      if let failure { json.failure(failure) }
    }
    return json.text
  }

  /// Where each kind is published.
  package static let routes = EventRoutes(
    source: "urn:zoco:orders", exchange: EventTopology.ordersEvents.name,
    routingKeys: Dictionary(uniqueKeysWithValues: Kind.allCases.map { ($0.rawValue, $0.routingKey) }))

  /// What is declared before the first event is published.
  package static let topology = BrokerTopology(exchanges: [EventTopology.ordersEvents])
}

extension JSONWriter {
  /// Writes the member `failure`.
  mutating func failure(_ failure: OrderFailure) {
    member(
      "failure",
      object: { json in
        json.member("code", failure.code)
        json.member("detail", failure.detail)
      })
  }
}
