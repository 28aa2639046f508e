package import FoundationEssentials
package import Seams

/// One line of an order at the price of its day.
package struct OrderItem: Sendable, Hashable {
  /// The product.
  package var productId: UUID
  /// Units.
  package var quantity: Int
  /// Of one unit, in minor units of the order's currency.
  package var unitPrice: Int
}

/// An order, as its customer sees it.
package struct Order: Sendable, Hashable {
  /// A state that the order entered.
  package struct Entry: Sendable, Hashable {
    package var status: OrderStatus
    /// By the database's clock.
    package var at: Timestamp
  }

  package var id: UUID
  package var status: OrderStatus
  package var total: Money
  /// Why it failed; `nil` for any other state.
  package var failure: OrderFailure?
  package var createdAt: Timestamp
  package var updatedAt: Timestamp
  /// By product id; empty in a list of orders.
  package var items: [OrderItem]
  /// From its first state on; empty in a list of orders.
  package var history: [Entry]
}

/// A product of the catalogue.
package struct Product: Sendable, Hashable {
  package var id: UUID
  package var name: String
  /// Of one unit.
  package var price: Money
}

/// One page of a list.
package struct Page<Element: Sendable>: Sendable {
  /// The page's entries.
  package var items: [Element]
  /// Where the next page begins; `nil` when this is the last one.
  package var nextCursor: String?
}
