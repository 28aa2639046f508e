import FoundationEssentials
import InventoryAPI
import Seams

/// Decides a batch of requests for orders, one after the other in their order of arrival, on what the batch's transaction
/// has read. It is a value and does no I/O.
struct OrderBatch: Sendable {
  /// An order to store.
  struct Made: Sendable, Hashable {
    var request: NewOrder
    var hash: [UInt8]
    var items: [OrderItem]
    var total: Money
  }

  /// What stands for a request: the user and the key.
  struct Key: Sendable, Hashable {
    var userId: String
    var key: String
  }

  /// The order that a key stands for.
  struct Known: Sendable, Hashable {
    var hash: [UInt8]
    var orderId: UUID
    var total: Money
  }

  private let prices: [UUID: Money]
  private var known: [Key: Known]
  /// The orders to store, in the order of their requests.
  private(set) var made: [Made] = []
  /// The orders whose sagas begin when the batch has committed: those to store, and those that an earlier run of the batch
  /// has stored.
  private(set) var begun: [Saga] = []

  /// - Parameters:
  ///   - prices: of the products that exist.
  ///   - known: the keys that stand for an order already.
  init(prices: [UUID: Money], known: [Key: Known]) {
    self.prices = prices
    self.known = known
  }

  /// Decides one request, whose key nobody else is at work on.
  ///
  /// An order under the request's own id was made by an earlier run of the same batch, whose commit's answer was lost: it
  /// is no replay.
  mutating func decide(_ request: NewOrder) -> CreateOutcome {
    let key = Key(userId: request.userId, key: request.key)
    let hash = request.hash
    if let order = known[key] {
      guard order.hash == hash else { return .keyReused }
      if order.orderId == request.id { begun.append(Saga(request, total: order.total)) }
      return .accepted(orderId: order.orderId, total: order.total, isReplay: order.orderId != request.id)
    }
    let missing = request.lines.lines.map(\.productId).filter { prices[$0] == nil }
    guard missing.isEmpty else { return .productNotFound(missing) }
    let items = request.lines.lines.map { line in
      OrderItem(productId: line.productId, quantity: line.quantity, unitPrice: prices[line.productId]?.amount ?? 0)
    }
    guard let total = total(of: request) else { return .noTotal }
    made.append(Made(request: request, hash: hash, items: items, total: total))
    begun.append(Saga(request, total: total))
    known[key] = Known(hash: hash, orderId: request.id, total: total)
    return .accepted(orderId: request.id, total: total, isReplay: false)
  }

  private func total(of request: NewOrder) -> Money? {
    var total: Money?
    for line in request.lines.lines {
      guard let price = prices[line.productId]?.times(line.quantity) else { return nil }
      if let sum = total {
        guard let more = sum.adding(price) else { return nil }
        total = more
      } else {
        total = price
      }
    }
    return total
  }
}
