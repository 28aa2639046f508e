import Linearizability
import Testing

/// Random histories: those that are linearizable by construction are accepted, and after a change they are judged as by
/// trying every order.
@Suite struct RandomHistoryTests {
  private typealias Inventory = InventoryModel<Int, Int>
  private typealias InventoryEntry = HistoryOperation<Inventory.Operation, Inventory.Output>

  private func registerHistory(_ count: Int, _ unanswered: Double, _ random: inout SeededGenerator) -> [RegisterEntry] {
    var value = HistoryValue.nothing
    return HistoryGenerator<RegisterModel>(clients: 4, unanswered: unanswered).history(of: count, using: &random) {
      _, random in
      let (old, new) = (Int.random(in: 1...3, using: &random), Int.random(in: 1...3, using: &random))
      switch Int.random(in: 0..<3, using: &random) {
      case 0: return .write(.integer(new))
      case 1: return .compareAndSet(expected: .integer(old), new: .integer(new))
      default: return .read
      }
    } execute: { operation in
      switch operation {
      case .read: return .value(value)
      case .write(let new):
        value = new
        return .done
      case .compareAndSet(let expected, let new):
        guard value == expected else { return .mismatch }
        value = new
        return .done
      }
    }
  }

  /// The history with one answer changed, or one moved to another moment.
  private func mutated(_ history: [RegisterEntry], _ random: inout SeededGenerator) -> [RegisterEntry] {
    var history = history
    let index = Int.random(in: history.indices, using: &random)
    guard let answered = history[index].answered else { return history }
    if Bool.random(using: &random) {
      let length = Int.random(in: 0...3, using: &random)
      history[index].invoked = answered
      history[index].outcome = .answered(history[index].output ?? .done, at: answered + length)
    } else {
      let output: RegisterModel.Output =
        switch history[index].operation {
        case .read: .value(.integer(Int.random(in: 1...3, using: &random)))
        case .write: .done
        case .compareAndSet: history[index].output == .done ? .mismatch : .done
        }
      history[index].outcome = .answered(output, at: answered)
    }
    return history
  }

  @Test(arguments: [0.0, 0.3])
  func whatWasExecutedInOrderIsAccepted(_ unanswered: Double) {
    var random = SeededGenerator(1)
    let checker = LinearizabilityChecker(RegisterModel(), limits: SearchLimits(steps: 2_000_000))
    for _ in 0..<200 {
      let history = registerHistory(Int.random(in: 1...60, using: &random), unanswered, &random)
      #expect(checker.isLinearizable(history) == true, "\(history)")
    }
  }

  @Test(arguments: [0.0, 0.2, 0.4])
  func changedHistoriesAreJudgedAsByTryingEveryOrder(_ unanswered: Double) {
    var random = SeededGenerator(2)
    let brute = BruteForce(model: RegisterModel())
    let checkers = [true, false].map { LinearizabilityChecker(RegisterModel(), remembersConfigurations: $0) }
    var failures = 0
    for _ in 0..<400 {
      var history = registerHistory(Int.random(in: 2...7, using: &random), unanswered, &random)
      for _ in 0..<2 { history = mutated(history, &random) }
      let expected = brute.isLinearizable(history)
      for checker in checkers { #expect(checker.isLinearizable(history) == expected, "\(history)") }
      if !expected { failures += 1 }
    }
    #expect((40...360).contains(failures), "\(failures) of 400 fail: the histories say little")
  }

  @Test func aFailureMadeSmallStillFails() throws {
    var random = SeededGenerator(3)
    let brute = BruteForce(model: RegisterModel())
    let checker = LinearizabilityChecker(RegisterModel())
    var found = 0
    for _ in 0..<600 {
      let history = mutated(registerHistory(20, 0.1, &random), &random)
      guard let failure = checker.failure(of: history) else { continue }
      found += 1
      #expect(failure.earlier + failure.operations.count + failure.leftOut + failure.later == history.count)
      #expect(failure.operations.count <= 8)
      #expect(!brute.hasOrder(failure.operations, from: failure.start), "\(failure.timeline)")
    }
    #expect(found > 60)
  }

  @Test(arguments: [0.0, 0.2])
  func stockHistoriesAreAcceptedAndChangedOnesJudgedAsByTryingEveryOrder(_ unanswered: Double) {
    var random = SeededGenerator(4)
    let model = Inventory(initial: [0: .init(quantity: 3), 1: .init(quantity: 2)])
    let checker = LinearizabilityChecker(model)
    let brute = BruteForce(model: model)
    var failures = 0
    for _ in 0..<500 {
      var history = stockHistory(Int.random(in: 2...12, using: &random), model, unanswered, &random)
      #expect(checker.isLinearizable(history) == true, "\(history)")
      history = Array(history.prefix(7))
      let index = Int.random(in: history.indices, using: &random)
      guard let answered = history[index].answered else { continue }
      history[index].outcome = .answered(.done, at: answered)
      let expected = brute.isLinearizable(history)
      #expect(checker.isLinearizable(history) == expected, "\(history)")
      if !expected { failures += 1 }
    }
    #expect(failures > 50)
  }

  private func stockHistory(
    _ count: Int, _ model: Inventory, _ unanswered: Double, _ random: inout SeededGenerator
  ) -> [InventoryEntry] {
    var states = [0: model.initialState(of: 0), 1: model.initialState(of: 1)]
    return HistoryGenerator<Inventory>(clients: 4, unanswered: unanswered).history(of: count, using: &random) {
      client, random in
      let order = Int.random(in: 0..<4, using: &random)
      let actions: [Inventory.Action] = [
        .reserve(order, units: 1 + order % 2), .reserve(order, units: 1 + order % 2), .confirm(order), .release(order),
        .releaseOrder(order), .expire(order), .replenish(units: 1, key: "\(order)"), .read,
        .put(quantity: 2, version: Int.random(in: 0...3, using: &random)),
      ]
      let action = actions[Int.random(in: actions.indices, using: &random)]
      return Inventory.Operation(Int.random(in: 0...1, using: &random), action)
    } execute: { operation in
      var state = states[operation.product] ?? model.initialState(of: operation.product)
      let output = model.perform(operation, on: &state)
      states[operation.product] = state
      return output
    }
  }
}
