internal import Checkers
internal import FoundationEssentials
public import SimulationKernel

/// The orders' instances die at one point of a saga: when a step has taken effect elsewhere and is not recorded, or right
/// after its record is committed. Whoever is there first goes on with it.
public struct CrashMidSaga: Scenario {
  public let name = "crash-mid-saga"
  public let summary = "the orders' instances die before or after a saga's step is recorded; another goes on"
  public let defaultSeedCount = 100

  public init() {}

  /// A point at which instances die.
  enum Point: String, CaseIterable {
    case created = "an order is made"
    case reservedUnrecorded = "stock is reserved, and nobody has noted it"
    case reserved = "a reservation is recorded"
    case capturedUnrecorded = "a payment is captured, and nobody has noted it"
    case captured = "a capture is recorded"
    case confirmedUnrecorded = "a reservation is confirmed, and nobody has noted it"
    case confirmed = "a confirmation is recorded"
    case refundedUnrecorded = "a payment is refunded, and nobody has noted it"
    case refunded = "a refund is recorded"
    case releasedUnrecorded = "a reservation is released, and nobody has noted it"
    case released = "a release is recorded"

    /// Whether the orders must be undone for the point to be reached.
    var needsUndoing: Bool {
      switch self {
      case .refundedUnrecorded, .refunded, .releasedUnrecorded, .released: true
      default: false
      }
    }
  }

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let point = stream.pick(Point.allCases)
    let clients = 2 + stream.index(below: 5)
    let orders = 1 + stream.index(below: 4)
    let crashes = Crashes(
      first: 1 + stream.index(below: min(4, max(1, clients * orders / 3))), count: 1 + stream.index(below: 3),
      takesBoth: stream.chance(0.5),
      isPower: stream.chance(0.3), downFor: stream.duration(in: .milliseconds(20) ... .seconds(3)), stream: stream)
    world.note(drawn: "\(clients) clients × \(orders) orders; instances die when \(point.rawValue)")
    let checkout = CheckoutWorld(
      world, .init(stock: [10_000, 10_000], safety: .seconds(150), reservationLife: point.needsUndoing ? 2 : 900))
    watch(checkout, for: point) { crashes.hit(checkout) }
    return checkout.play(clients: clients) { client, _ in
      for number in 1...orders {
        // What is slow is paid when its reservation has run out, and refunded.
        let token = point.needsUndoing ? client.stream.pick(["tok_slow", "tok_declined"]) : "tok_ok"
        let id = try await client.order(client.wish("order \(number)", token: token), attempts: 20)
        if let id { try await client.settle(id) }
      }
    } afterwards: {
      world.figures.append(.init("reached: \(point.rawValue)", Double(crashes.seen)))
      world.figures.append(.init("deaths: \(point.rawValue)", Double(crashes.happened)))
    }
  }

  private func watch(_ checkout: CheckoutWorld, for point: Point, _ hit: @escaping () -> Void) {
    checkout.judge.onOrdersCommit = { commit in
      for change in commit.orders where Self.isReached(point, change) { hit() }
    }
    checkout.judge.onStockCommit = { commit in
      for change in commit.reservations where Self.isReached(point, change) { hit() }
    }
    checkout.paid.onCapture = { if point == .capturedUnrecorded { hit() } }
    checkout.paid.onRefund = { if point == .refundedUnrecorded { hit() } }
  }

  private static func isReached(_ point: Point, _ change: RowPair<OrderRow>) -> Bool {
    guard let new = change.new else { return false }
    let entered = change.old?.status != new.status ? new.status : nil
    switch point {
    case .created: return change.old == nil
    case .reserved: return entered == "RESERVED"
    case .captured: return entered == "PAID"
    case .confirmed: return entered == "CONFIRMED"
    case .refunded: return change.old?.sagaStep == "refund" && new.sagaStep == "release"
    case .released: return entered == "FAILED" || entered == "CANCELLED"
    case .reservedUnrecorded, .capturedUnrecorded, .confirmedUnrecorded, .refundedUnrecorded, .releasedUnrecorded:
      return false
    }
  }

  private static func isReached(_ point: Point, _ change: RowPair<ReservationRow>) -> Bool {
    guard let new = change.new, change.old?.status != new.status else { return false }
    switch point {
    case .reservedUnrecorded: return new.status == "pending"
    case .confirmedUnrecorded: return new.status == "confirmed"
    case .releasedUnrecorded: return new.status == "released"
    default: return false
    }
  }

  /// Lets instances die when a point has been reached for the n-th time, and some times more.
  ///
  /// `@unchecked Sendable`: only the kernel's thread touches it.
  private final class Crashes: @unchecked Sendable {
    private let first: Int
    private let count: Int
    private let takesBoth: Bool
    private let isPower: Bool
    private let downFor: Duration
    private let stream: RandomStream
    /// How often the point was reached.
    private(set) var seen = 0
    /// How many instances died.
    private(set) var happened = 0

    init(first: Int, count: Int, takesBoth: Bool, isPower: Bool, downFor: Duration, stream: RandomStream) {
      self.first = first
      self.count = count
      self.takesBoth = takesBoth
      self.isPower = isPower
      self.downFor = downFor
      self.stream = stream
    }

    func hit(_ checkout: CheckoutWorld) {
      seen += 1
      guard (first..<first + count).contains(seen), !checkout.hasHealed else { return }
      let victims = takesBoth ? checkout.orders : [stream.pick(checkout.orders)]
      // At this instant, but not within the commit that tells of it.
      checkout.kernel.schedule(after: .zero) { [self] in
        for host in victims where host.isUp {
          host.crash(isPower ? .power : .process)
          happened += 1
          checkout.kernel.schedule(after: downFor) { host.restart() }
        }
      }
    }
  }
}
