/// An amount in minor units of a currency: 4990 EUR are 49.90 €.
package struct Money: Sendable, Hashable {
  /// Minor units.
  package let amount: Int
  /// An ISO 4217 code: three upper-case letters.
  package let currency: String

  /// An amount; `nil` when the currency is no code of three upper-case letters.
  package init?(amount: Int, currency: String) {
    guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else { return nil }
    self.amount = amount
    self.currency = currency
  }

  /// The sum; `nil` when the currencies differ or the sum has no room.
  package func adding(_ other: Money) -> Money? {
    guard currency == other.currency else { return nil }
    let (sum, overflow) = amount.addingReportingOverflow(other.amount)
    return overflow ? nil : Money(amount: sum, currency: currency)
  }

  /// So many times the amount; `nil` when that has no room.
  package func times(_ count: Int) -> Money? {
    let (product, overflow) = amount.multipliedReportingOverflow(by: count)
    return overflow ? nil : Money(amount: product, currency: currency)
  }
}
