public import FoundationEssentials

/// Rules 5 and 8: an order that was accepted is there for good, and its key stands for it alone.
public struct AcceptedOrdersAreStored: Checker, Sendable {
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

  private var orders: [String: UUID] = [:]

  /// A checker that knows of no promise.
  public init() {}

  /// Judges a promise at the moment it is heard.
  ///
  /// - Parameter isStored: whether there is such an order.
  public mutating func judge(_ promise: Promise, isStored: Bool) -> Violation? {
    let id = promise.orderId.uuidString.lowercased()
    if !isStored {
      return Violation(.acceptedOrderIsStored, ["\(promise.key) was accepted as order \(id), which is not there"])
    }
    if let other = orders.updateValue(promise.orderId, forKey: promise.key), other != promise.orderId {
      let evidence = "\(promise.key) was accepted as order \(id) and as order \(other.uuidString.lowercased())"
      return Violation(.acceptedOrderIsStored, [evidence])
    }
    return nil
  }

  /// Judges every promise at rest.
  ///
  /// - Parameter stored: the orders that there are.
  public func judgeAtRest(stored: Set<UUID>) -> Violation? {
    let lost = orders.filter { !stored.contains($0.value) }.sorted { $0.key < $1.key }
    guard !lost.isEmpty else { return nil }
    return Violation(
      .acceptedOrderIsStored,
      lost.prefix(5).map { "\($0.key) was accepted as order \($0.value.uuidString.lowercased()), which is not there" })
  }
}
