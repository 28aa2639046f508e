public import FoundationEssentials

/// Rules 5 and 8: an order that was accepted is there for good, and its key stands for it alone.
public struct AcceptedOrdersAreStored: Checker {
  /// What a client was told: the key, and the order that the 202 named.
  public struct Promise: Sendable, Hashable {
    /// The user and the key.
    public var key: String
    /// The order.
    public var orderId: UUID

    /// A promise.
    public init(key: String, orderId: UUID) {
      self.key = key
      self.orderId = orderId
    }
  }

  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.acceptedOrderIsStored]

  /// A checker; it keeps nothing.
  public init() {}

  /// Judges every promise at rest.
  ///
  /// - Parameter stored: the orders that there are.
  public func judgeAtRest(_ promises: [Promise], stored: Set<UUID>) -> Violation? {
    var orders: [String: UUID] = [:]
    for promise in promises {
      let id = promise.orderId.uuidString.lowercased()
      if !stored.contains(promise.orderId) {
        return Violation(.acceptedOrderIsStored, ["\(promise.key) was accepted as order \(id), which is not there"])
      }
      if let other = orders.updateValue(promise.orderId, forKey: promise.key), other != promise.orderId {
        let evidence = "\(promise.key) was accepted as order \(id) and as order \(other.uuidString.lowercased())"
        return Violation(.acceptedOrderIsStored, [evidence])
      }
    }
    return nil
  }
}
