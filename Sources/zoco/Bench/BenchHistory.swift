import ArgumentParser
import Explorer
import Linearizability
import Reporting

/// `zoco bench history`: how long it takes to judge a long history of stock operations.
struct BenchHistory: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Judge a history of 10,000 stock operations, against the same search without its refinements.",
    discussion: """
      Clients reserve, confirm, release, replenish, put and read, each with one operation under way, and overlap. The
      history is linearizable by construction; the same history with one unit reserved twice is not. Both are judged with
      and without a search for each product of its own (partition) and with and without memory of where the search has
      been (cache). Without both it is the baseline.

      Example:
        zoco bench history --operations 10000 --clients 20 --products 100
      """)

  @Option(help: "Operations in the history.")
  var operations = 10_000

  @Option(help: "Clients, each with one operation under way.")
  var clients = 20

  @Option(help: "Products, drawn evenly.")
  var products = 100

  @Option(help: "Seed of the history.")
  var seed: UInt64 = 1

  @Option(help: "How long each search may take, in seconds.")
  var timeLimit = 10

  typealias Model = InventoryModel<Int, Int>
  typealias Entry = HistoryOperation<Model.Operation, Model.Output>

  func validate() throws {
    guard operations >= 10, clients >= 1, products >= 1, timeLimit >= 1 else {
      throw ValidationError("--operations takes a number from 10 on, --clients, --products and --time-limit from 1 on")
    }
  }

  func run() throws {
    var shop = StockHistory(products: products, seed: seed)
    let history = shop.history(of: operations, clients: clients)
    try compare("linearizable", history, shop.model)
    try compare("one unit reserved twice", StockHistory.damaged(history), shop.model)
    print("machine: \(Machine.description)")
  }

  private func compare(_ title: String, _ history: [Entry], _ model: Model) throws {
    var table = TextTable([
      ("\(Quantity.count(history.count)) operations, \(title)", .left), ("verdict", .left), ("time", .right),
      ("steps", .right),
    ])
    for remembers in [false, true] {
      let cache = remembers ? "cache" : "no cache"
      table.add(["no partition, \(cache)"] + judge(history, Unpartitioned(model), remembers))
      table.add(["partition, \(cache)"] + judge(history, model, remembers))
    }
    print(table.text)
  }

  private func judge<Judge: SequentialModel<Model.Operation, Model.Output>>(
    _ history: [Entry], _ model: Judge, _ remembers: Bool
  ) -> [String] {
    let started = ContinuousClock.now
    let limits = SearchLimits(time: (.seconds(timeLimit), ContinuousClock()))
    let report = LinearizabilityChecker(model, limits: limits, remembersConfigurations: remembers).check(history)
    let took = Quantity.duration(seconds: started.duration(to: .now) / .seconds(1))
    let verdict =
      switch report.verdict {
      case .linearizable: "linearizable"
      case .notLinearizable(let failure): "not: \(failure.operations.count) operations are enough"
      case .unknown: "unknown"
      }
    return [verdict, took, Quantity.count(report.steps)]
  }
}

/// Histories of clients that ask for stock.
struct StockHistory {
  typealias Model = InventoryModel<Int, Int>
  typealias Entry = HistoryOperation<Model.Operation, Model.Output>

  let model: Model
  private let products: Int
  private var random: SplitMix
  private var states: [Int: Model.State]
  private var orders = 0
  /// The order that each client holds units for, and of which product.
  private var held: [Int: (order: Int, product: Int)] = [:]

  init(products: Int, seed: UInt64) {
    self.products = products
    let stock = (0..<products).map { ($0, Model.Stock(quantity: 20)) }
    model = Model(initial: Dictionary(uniqueKeysWithValues: stock))
    states = [:]
    for product in 0..<products { states[product] = model.initialState(of: product) }
    random = SplitMix(state: seed)
  }

  /// A history that is linearizable.
  mutating func history(of count: Int, clients: Int) -> [Entry] {
    var generator = random
    return HistoryGenerator<Model>(clients: clients).history(of: count, using: &generator) { client, generator in
      draw(client, &generator)
    } execute: { operation in
      guard var state = states[operation.product] else { preconditionFailure("no product \(operation.product)") }
      let output = model.perform(operation, on: &state)
      states[operation.product] = state
      return output
    }
  }

  private mutating func draw(_ client: Int, _ generator: inout SplitMix) -> Model.Operation {
    if let (order, product) = held.removeValue(forKey: client) {
      let confirms = Int.random(in: 0..<3, using: &generator) > 0
      return Model.Operation(product, confirms ? .confirm(order) : .release(order))
    }
    let product = Int.random(in: 0..<products, using: &generator)
    switch Int.random(in: 0..<20, using: &generator) {
    case 0..<11:
      orders += 1
      held[client] = (orders, product)
      return Model.Operation(product, .reserve(orders, units: Int.random(in: 1...3, using: &generator)))
    case 11..<14:
      orders += 1
      return Model.Operation(product, .replenish(units: 10, key: "delivery \(orders)"))
    case 14:
      return Model.Operation(product, .put(quantity: 20, version: states[product]?.stock?.version ?? 0))
    default: return Model.Operation(product, .read)
    }
  }

  /// The history with a late reserve granted that was refused, as if a unit had been reserved twice.
  static func damaged(_ history: [Entry]) -> [Entry] {
    var damaged = history
    let refused = history.indices.last { index in
      if case .insufficient = history[index].output { true } else { false }
    }
    if let index = refused, let answered = history[index].answered {
      damaged[index].outcome = .answered(.done, at: answered)
    }
    return damaged
  }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
