import Seams
import ServiceKit

extension RawRepresentable where RawValue == String {
  /// The value of a column that a constraint keeps to these values.
  init(column value: String, named name: String = "status") throws {
    guard let known = Self(rawValue: value) else { throw InvalidRow(column: name, value: value) }
    self = known
  }
}

extension Money {
  /// From a row with an amount and the column currency.
  init(row: SQLRow, amount name: String) throws {
    let amount: Int = try row.decode(name)
    let currency: String = try row.decode("currency")
    guard let money = Money(amount: amount, currency: currency) else {
      throw InvalidRow(column: "currency", value: currency)
    }
    self = money
  }
}

extension Product {
  /// From a row of ``ProductSQL``.
  init(row: SQLRow) throws {
    self.init(
      id: try row.decode("id"), name: try row.decode("name"), price: try Money(row: row, amount: "price"))
  }
}
