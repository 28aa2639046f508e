/// The ranges of the domain's numbers (CONTRACT, "Orders"); the schema's CHECK constraints say the same.
package enum OrderLimits {
  /// Units in one line of an order.
  package static let lineQuantity = 1...1_000
  /// Lines in one order.
  package static let lines = 1...50
  /// Characters of a payment token.
  package static let paymentToken = 1...255
  /// Minor units of a product's price.
  package static let price = 1...1_000_000_000
  /// Entries of one page of a list.
  package static let page = 1...200
  /// Entries of a page that does not say how many.
  package static let standardPage = 50
  /// How long `?wait=` may hold an answer, in seconds.
  package static let waitSeconds = 0...30
}
