import Linearizability

/// Judges tiny histories by trying every order and, for what was never answered, every choice of what happened. It is
/// slow and plain: what the checker is compared with.
struct BruteForce<Model: SequentialModel> {
  let model: Model

  func isLinearizable(_ history: [HistoryOperation<Model.Operation, Model.Output>]) -> Bool {
    Dictionary(grouping: history) { model.partition(of: $0.operation) }
      .allSatisfy { hasOrder($0.value, from: model.initialState(of: $0.key)) }
  }

  func hasOrder(_ open: [HistoryOperation<Model.Operation, Model.Output>], from state: Model.State) -> Bool {
    if open.allSatisfy({ $0.answered == nil }) { return true }
    return open.indices.contains { number in
      let candidate = open[number]
      // Whatever was answered before the candidate began comes before it.
      guard open.allSatisfy({ ($0.answered ?? .max) >= candidate.invoked }) else { return false }
      guard let next = model.step(state, candidate.operation, candidate.output) else { return false }
      var rest = open
      rest.remove(at: number)
      return hasOrder(rest, from: next)
    }
  }
}

extension LinearizabilityChecker {
  /// Whether a history is linearizable; `nil` when the checker does not know.
  func isLinearizable(_ history: [Entry]) -> Bool? {
    switch check(history).verdict {
    case .linearizable: true
    case .notLinearizable: false
    case .unknown: nil
    }
  }

  /// What is wrong with a history; `nil` when nothing is.
  func failure(of history: [Entry]) -> Counterexample<Model>? {
    if case .notLinearizable(let counterexample) = check(history).verdict { counterexample } else { nil }
  }
}

/// SplitMix64, for tests that draw.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
