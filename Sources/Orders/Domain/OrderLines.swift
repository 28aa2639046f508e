package import InventoryAPI
internal import Seams

/// The lines of one order: 1 to 50, no product twice, in the order of their product ids.
///
/// The order is canonical, so that two requests with the same lines are the same request however they were written.
package struct OrderLines: Sendable, Hashable {
  /// The lines, by product id.
  package let lines: [InventoryLine]

  /// The lines in canonical order; `nil` when there are none, more than 50, one has not 1 to 1000 units, or a product
  /// comes twice.
  package init?(_ lines: [InventoryLine]) {
    guard OrderLimits.lines.contains(lines.count) else { return nil }
    let sorted = lines.count == 1 ? lines : lines.sorted { $0.productId < $1.productId }
    for (index, line) in sorted.enumerated() {
      guard OrderLimits.lineQuantity.contains(line.quantity) else { return nil }
      guard index == 0 || sorted[index - 1].productId != line.productId else { return nil }
    }
    self.lines = sorted
  }
}
