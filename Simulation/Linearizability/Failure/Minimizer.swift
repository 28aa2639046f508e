/// Makes a history that is not linearizable as small as it can.
///
/// First its end is cut off: of all its prefixes the shortest one that fails is taken. Then its beginning: where all
/// earlier operations had been answered and lead to one state, whatever their order, the state stands for them. Then
/// operations are left out whose absence keeps it failing. An operation that is left out becomes optional: it may have
/// happened in its time, with any answer, or not at all. Simply to delete it would be wrong, since without a write every
/// read of its value fails, and the smallest failing history would be a lone read.
struct Minimizer<Model: SequentialModel> {
  typealias Operation = SearchOperation<Model.Operation, Model.Output>

  /// Calls of the model for one attempt, and for all of them.
  private static var stepsOfAttempt: Int { 50_000 }
  private static var stepsOfAll: Int { 1_000_000 }
  /// Operations that are kept although a state could stand for them: a failure is understood by what came before it.
  private static var context: Int { 12 }
  /// Places tried for the beginning.
  private static var beginnings: Int { 8 }

  private let model: Model
  private let partition: Model.Partition
  private let isTimeUp: () -> Bool
  /// The state before the operations that are looked at.
  private var start: Model.State
  private var steps = 0
  /// Whether an attempt of the last pass ended without knowing.
  private var gaveUp = false

  init(_ model: Model, _ partition: Model.Partition, isTimeUp: @escaping () -> Bool) {
    self.model = model
    self.partition = partition
    start = model.initialState(of: partition)
    self.isTimeUp = isTimeUp
  }

  /// The counterexample in a partition's operations.
  ///
  /// - Parameter rank: the last answer that the search could not explain.
  mutating func counterexample(
    _ operations: [Operation], refutedAt rank: Int, in history: [HistoryOperation<Model.Operation, Model.Output>]
  ) -> Counterexample<Model> {
    let prefix = shortestPrefix(operations, refutedAt: rank)
    let earlier = cutBeginning(of: prefix)
    let smallest = leaveOut(Array(prefix[earlier...]))
    let required = smallest.filter(\.isRequired)
    var search = ConfigurationSearch(model, initial: start, smallest, keepsPath: true)
    _ = search.run(attempt)
    let longest = search.longest ?? ([], start)
    let shown = Set(required.map(\.index))
    let order = longest.order.map { index in
      var entry = history[index]
      if !shown.contains(index) { entry.outcome = .unknown }
      return entry
    }
    return Counterexample(
      partition: partition, operations: required.map { history[$0.index] }, earlier: earlier, start: start,
      leftOut: smallest.count - required.count, later: operations.count - prefix.count,
      longestOrder: order, state: longest.state, isMinimal: !gaveUp,
      model: model)
  }

  /// The shortest prefix that fails.
  ///
  /// What is open at its end may or may not have happened, with any answer. Every prefix that ends before the answer at
  /// `rank` is linearizable, and the one that holds the answers of everything that was open then is not.
  private mutating func shortestPrefix(_ operations: [Operation], refutedAt rank: Int) -> [Operation] {
    let open = operations.filter { $0.isRequired && $0.call <= rank && $0.end >= rank }
    let ends = open.map(\.end).sorted()
    for end in ends.dropLast() {
      let prefix = Self.prefix(of: operations, through: end)
      if fails(prefix) { return prefix }
    }
    return Self.prefix(of: operations, through: ends.last ?? rank)
  }

  private static func prefix(of operations: [Operation], through rank: Int) -> [Operation] {
    operations.filter { $0.call <= rank }.map { operation in
      guard operation.end > rank else { return operation }
      var open = operation
      (open.end, open.output, open.isRequired) = (.max, nil, false)
      return open
    }
  }

  /// Lets a state stand for the operations before a moment at which none was under way.
  ///
  /// The rest fails from that state if it is the only one that they lead to: otherwise an order of both would be one of the
  /// whole.
  ///
  /// - Returns: for how many operations ``start`` stands.
  private mutating func cutBeginning(of operations: [Operation]) -> Int {
    var quiet: [Int] = []
    var lastEnd = -1
    for (number, operation) in operations.enumerated() {
      // An operation that was never answered is under way for ever.
      if lastEnd < operation.call { quiet.append(number) }
      lastEnd = max(lastEnd, operation.end)
    }
    let latest = operations.count - Self.context
    for count in quiet.filter({ $0 > 0 && $0 <= latest }).suffix(Self.beginnings).reversed() {
      var search = ConfigurationSearch(model, initial: start, Array(operations[..<count]))
      let states = search.finalStates(attempt)
      steps += search.steps
      guard let state = states?.first, states?.count == 1 else { continue }
      start = state
      return count
    }
    return 0
  }

  /// Leaves out chunks of operations, from large ones to single ones, until none can be left out any more (Zeller,
  /// Hildebrandt: "Simplifying and Isolating Failure-Inducing Input", 2002).
  private mutating func leaveOut(_ operations: [Operation]) -> [Operation] {
    var smallest = operations
    var size = max(1, operations.count / 2)
    while true {
      var changed = false
      gaveUp = false
      let required = smallest.indices.filter { smallest[$0].isRequired }
      var start = 0
      while start < required.count {
        let chunk = required[start..<min(start + size, required.count)]
        var attempt = smallest
        for position in chunk { (attempt[position].isRequired, attempt[position].output) = (false, nil) }
        if fails(attempt) {
          smallest = attempt
          changed = true
        }
        start += size
      }
      if size == 1, !changed || steps >= Self.stepsOfAll || isTimeUp() { return smallest }
      size = max(1, size / 2)
    }
  }

  private var attempt: SearchBudget {
    SearchBudget(
      steps: max(0, min(Self.stepsOfAttempt, Self.stepsOfAll - steps)), configurations: Self.stepsOfAttempt,
      isTimeUp: isTimeUp)
  }

  private mutating func fails(_ operations: [Operation]) -> Bool {
    var search = ConfigurationSearch(model, initial: start, operations)
    let end = search.run(attempt)
    steps += search.steps
    switch end {
    case .found: return false
    case .refuted: return true
    case .undecided:
      gaveUp = true
      return false
    }
  }
}
