internal import FoundationEssentials
internal import Linearizability
internal import Seams

/// Stock operations are linearizable per product: what all clients were told fits into one order of their requests, in
/// which each takes effect at one moment of its life.
///
/// Other checkers look into the tables and at one answer at a time; this one sees what clients see, all of it together.
/// A read that is behind what somebody was told before it began is found by nothing else.
public final class StockIsLinearizable: HistoryChecker {
  typealias Model = InventoryModel<UUID, UUID>

  public let invariants: Set<Invariant> = [.stockIsLinearizable]
  private let limits: SearchLimits
  private var requests: [ClientRequest] = []

  /// A checker with no history yet.
  ///
  /// - Parameter steps: what the search for an order may cost for each product, in calls of the model. A history that
  ///   takes more is not judged.
  public init(steps: Int = 300_000) {
    limits = SearchLimits(steps: steps)
  }

  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? { nil }

  public func note(_ request: ClientRequest) { requests.append(request) }

  public func judgeAtRest(_ shadow: InventoryShadow) -> Violation? {
    guard let first = requests.map(\.start).min() else { return nil }
    let start = shadow.moments(from: first, to: first).lowerBound
    let initial = Dictionary(uniqueKeysWithValues: shadow.items(at: start).map { ($0.productId, Self.stock($0)) })
    let checker = LinearizabilityChecker(Model(initial: initial), limits: limits)
    let history = StockHistory(requests, shadow)
    if case .linearizable = checker.check(history.witnessed).verdict { return nil }
    guard case .notLinearizable(let example) = checker.check(history.entries).verdict else { return nil }
    return Violation(.stockIsLinearizable, example.timeline.split(separator: "\n").map(String.init))
  }

  static func stock(_ item: ItemRow) -> Model.Stock {
    Model.Stock(quantity: item.quantity, reserved: item.reserved, version: item.version)
  }
}
