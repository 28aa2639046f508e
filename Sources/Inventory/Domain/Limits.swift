/// The ranges of the domain's numbers (CONTRACT, "Inventory"); the schema's CHECK constraints say the same.
package enum InventoryLimits {
  /// Units in one line of a reservation.
  package static let lineQuantity = 1...1_000
  /// Lines in one reservation.
  package static let lines = 1...50
  /// Units of one product on hand.
  package static let stockQuantity = 0...1_000_000_000
  /// Units added by one replenishment.
  package static let replenishQuantity = 1...1_000_000_000
  /// A reservation's life, in seconds: 1 s to 24 h.
  package static let timeToLiveSeconds = 1...86_400
  /// Products read by one `?ids=`.
  package static let idsPerRead = 1...100
}
