internal import FoundationEssentials
internal import Linearizability
internal import Seams

/// Stock operations are linearizable per product: what all clients were told fits into one order of their requests, in
/// which each takes effect at one moment of its life.
///
/// Other checkers look into the tables and at one answer at a time; this one sees what clients see, all of it together.
public final class StockIsLinearizable: HistoryChecker {
  typealias Model = InventoryModel<UUID, UUID>

  /// The invariants that it may find broken.
  public let invariants: Set<Invariant> = [.stockIsLinearizable]
  private let judgesReads: Bool
  private let steps: (witness: Int, history: Int)
  private var requests: [ClientRequest] = []
  /// Whether the search was given up: nobody knows whether the history is linearizable.
  public private(set) var isUndecided = false

  /// A checker with no history yet.
  ///
  /// - Parameters:
  ///   - judgesReads: whether reads are part of the history. Where a cache answers they may be old, within bounds.
  ///   - steps: what finding an order may cost for each product, in calls of the model: following what the tables show,
  ///     which is the order that happened, then each search among more orders than that one. A history that takes more is
  ///     not judged: ``isUndecided``.
  public init(judgesReads: Bool = true, steps: (witness: Int, history: Int) = (20_000, 5_000)) {
    self.judgesReads = judgesReads
    self.steps = steps
  }

  /// Has nothing to say of one answer.
  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? { nil }

  /// Takes the request into the history.
  public func note(_ request: ClientRequest) {
    if judgesReads || !request.operation.isRead { requests.append(request) }
  }

  /// Looks for an order of the history; with none the smallest part of it that has none is the evidence.
  public func judgeAtRest(_ shadow: InventoryShadow) -> Violation? {
    guard let first = requests.map(\.start).min() else { return nil }
    let start = shadow.moments(from: first, to: first).lowerBound
    let initial = Dictionary(uniqueKeysWithValues: shadow.items(at: start).map { ($0.productId, Self.stock($0)) })
    let model = Model(initial: initial)
    let history = StockHistory(requests, shadow)
    let limits = SearchLimits(steps: steps.witness)
    // The order that happened is found without turning back: remembering where one has been would only cost.
    let direct = LinearizabilityChecker(model, limits: limits, remembersConfigurations: false)
    if case .linearizable = direct.check(history.witnessed).verdict { return nil }
    let search = SearchLimits(steps: steps.history)
    let witness = LinearizabilityChecker(model, limits: search).check(history.loose)
    if case .linearizable = witness.verdict { return nil }
    let whole = LinearizabilityChecker(model, limits: search).check(history.entries)
    guard case .notLinearizable(let example) = whole.verdict else {
      if case .unknown = whole.verdict { isUndecided = true }
      return nil
    }
    var timeline = example.timeline
    // Where the tables are right and an answer is wrong, fewer requests show it.
    if case .notLinearizable(let smaller) = witness.verdict, smaller.operations.count < example.operations.count {
      timeline = smaller.timeline
    }
    return Violation(.stockIsLinearizable, timeline.split(separator: "\n").map(String.init))
  }

  static func stock(_ item: ItemRow) -> Model.Stock {
    Model.Stock(quantity: item.quantity, reserved: item.reserved, version: item.version)
  }
}
