public import FoundationEssentials
public import Seams

/// What the orders' committed tables say, kept up to date from each commit.
public final class OrdersShadow {
  /// The rows of `orders` by id.
  @exclusivity(unchecked) public private(set) var orders: [UUID: OrderRow] = [:]
  /// Orders in the order in which they were stored first.
  @exclusivity(unchecked) public private(set) var ids: [UUID] = []
  /// When each order was stored first.
  @exclusivity(unchecked) public private(set) var createdAt: [UUID: MonotonicInstant] = [:]
  /// The lines of each order.
  @exclusivity(unchecked) public private(set) var items: [UUID: [OrderItemRow]] = [:]
  /// The rows of `inbox` by event.
  @exclusivity(unchecked) public private(set) var inbox: [UUID: InboxRow] = [:]
  /// The rows of `dead_letters` by id.
  @exclusivity(unchecked) public private(set) var deadLetters: [UUID: DeadLetterRow] = [:]
  /// The rows of `notifications` by id.
  @exclusivity(unchecked) public private(set) var notifications: [UUID: NotificationRow] = [:]
  /// The rows of `outbox`, in the order in which they were written.
  @exclusivity(unchecked) public private(set) var outbox: [OutboxRow] = []
  /// The states of each order, with the time from which on it was in them.
  @exclusivity(unchecked) private var states: [UUID: [(since: MonotonicInstant, status: String)]] = [:]

  /// The state that each order was in when its saga was first asked to turn round.
  @exclusivity(unchecked) public private(set) var statusWhenStopped: [UUID: String] = [:]
  @exclusivity(unchecked) private var openOrders = 0

  /// Empty tables.
  public init() {}

  /// Takes what a transaction changed.
  public func apply(_ commit: OrdersCommit) {
    for change in commit.orders {
      guard let id = (change.new ?? change.old)?.id else { continue }
      if change.old == nil {
        ids.append(id)
        createdAt[id] = commit.time
      }
      orders[id] = change.new
      let (before, after) = (change.old.map(Self.isOpen) ?? false, change.new.map(Self.isOpen) ?? false)
      if change.new?.stopReason != nil, change.old?.stopReason == nil {
        statusWhenStopped[id] = change.old?.status
      }
      openOrders += (after ? 1 : 0) - (before ? 1 : 0)
      if let status = change.new?.status, status != change.old?.status {
        states[id, default: []].append((commit.time, status))
      }
    }
    for item in commit.items { items[item.orderId, default: []].append(item) }
    for change in commit.inbox {
      if let id = (change.new ?? change.old)?.eventId { inbox[id] = change.new }
    }
    for change in commit.deadLetters {
      if let id = (change.new ?? change.old)?.id { deadLetters[id] = change.new }
    }
    for notification in commit.notifications { notifications[notification.id] = notification }
    outbox += commit.outbox
  }

  /// The states that an order was in at some moment from `start` to `end`.
  public func statuses(of id: UUID, from start: MonotonicInstant, to end: MonotonicInstant) -> [String] {
    let all = states[id] ?? []
    return all.indices.filter { index in
      all[index].since <= end && (index + 1 == all.count || all[index + 1].since >= start)
    }.map { all[$0].status }
  }

  private static func isOpen(_ order: OrderRow) -> Bool { order.sagaState != "done" }

  /// Whether some order's saga is not over.
  public var hasOpenOrders: Bool { openOrders > 0 }

  /// When an order came to its end; `nil` while it has not.
  public func endedAt(_ id: UUID) -> MonotonicInstant? {
    orders[id]?.isFinal == true ? states[id]?.last?.since : nil
  }
}
