/// The search for an order of one partition's operations.
///
/// It is the depth-first search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993), with Lowe's linked
/// list of events, from which placed operations are lifted, and his cache of configurations. The list holds the required
/// operations' events. Optional operations wait in a list of their own and are tried after the required ones: what is not
/// needed to explain an answer is then rarely looked at.
struct ConfigurationSearch<Model: SequentialModel> {
  typealias Operation = SearchOperation<Model.Operation, Model.Output>

  /// A decision, with what it takes to undo it.
  private struct Frame {
    var entry: Int32
    var isOptional: Bool
    /// For an optional operation: the answer before which it was placed.
    var bound: Int32
    var state: Model.State
    var lastCall: Int
    var expired: Int
  }

  private let model: Model
  private let required: [Operation]
  /// In the order of their ends.
  private let optional: [Operation]
  /// The required operation of each event, and whether the event is its answer; entry 0 is the list's head.
  private let events: [(operation: Int32, isEnd: Bool)]
  /// The entries of each required operation's events.
  private let entries: [(call: Int32, end: Int32)]
  /// Positions in `optional`, in the order of their invocations; entry 0 is the list's head.
  private let optionalByCall: [Int32]
  /// The entry of each optional operation.
  private let entryOfOptional: [Int32]
  private let usesCache: Bool
  private let keepsPath: Bool

  private var list: LinkedEntries
  private var optionalList: LinkedEntries
  private var placed: WindowedBits
  private var digest: UInt64 = 0
  private var used: WindowedBits
  private var state: Model.State
  /// The rank of the latest invocation among the placed operations: whatever ended before comes too late.
  private var lastCall = -1
  /// How many of `optional` come too late.
  private var expired = 0
  /// Those of them that were not placed, in the order in which they were taken out of the list.
  private var expiredUnused: [Int32] = []
  private var frames: [Frame] = []
  /// The entry to be tried next, in which of the two lists, and the answer before which an optional one would be placed.
  private var cursor: Int32 = 0
  private var isOptional = false
  private var bound: Int32 = 0
  private var cache = ConfigurationCache<Model.State>()
  private var farthest: Int32 = 0

  /// Calls of the model.
  private(set) var steps = 0
  /// With `keepsPath`: the first order that led to the last answer that could not be explained, as indices of the
  /// history, and the state after it.
  private(set) var longest: (order: [Int], state: Model.State)?

  /// - Parameters:
  ///   - usesCache: whether configurations are remembered; without it the search is Wing and Gong's.
  ///   - keepsPath: whether ``longest`` is kept.
  init(
    _ model: Model, initial: Model.State, _ operations: [Operation], usesCache: Bool = true, keepsPath: Bool = false
  ) {
    self.model = model
    self.usesCache = usesCache
    self.keepsPath = keepsPath
    required = operations.filter(\.isRequired)
    optional = operations.filter { !$0.isRequired && model.changesState($0.operation) }
      .sorted { ($0.end, $0.call) < ($1.end, $1.call) }
    var ranked: [(rank: Int, operation: Int32, isEnd: Bool)] = []
    for (number, operation) in required.enumerated() {
      ranked.append((operation.call, Int32(number), false))
      ranked.append((operation.end, Int32(number), true))
    }
    ranked.sort { $0.rank < $1.rank }
    events = [(-1, false)] + ranked.map { ($0.operation, $0.isEnd) }
    var entries = Array(repeating: (call: Int32(0), end: Int32(0)), count: required.count)
    for (number, event) in ranked.enumerated() {
      if event.isEnd {
        entries[Int(event.operation)].end = Int32(number + 1)
      } else {
        entries[Int(event.operation)].call = Int32(number + 1)
      }
    }
    self.entries = entries
    let optional = optional
    let byCall = optional.indices.sorted { optional[$0].call < optional[$1].call }
    optionalByCall = [-1] + byCall.map(Int32.init)
    var entryOfOptional = Array(repeating: Int32(0), count: optional.count)
    for (number, position) in byCall.enumerated() { entryOfOptional[position] = Int32(number + 1) }
    self.entryOfOptional = entryOfOptional
    list = LinkedEntries(count: ranked.count)
    optionalList = LinkedEntries(count: optional.count)
    placed = WindowedBits(count: required.count)
    used = WindowedBits(count: optional.count)
    state = initial
  }

  /// How many configurations are remembered.
  var configurationCount: Int { cache.count }

  /// Searches.
  mutating func run(_ budget: SearchBudget) -> SearchEnd {
    cursor = list.first
    return search(budget)
  }

  /// All states that orders of the operations lead to, but no more than two; `nil` when the budget does not suffice.
  mutating func finalStates(_ budget: SearchBudget) -> [Model.State]? {
    var states: [Model.State] = []
    var end = run(budget)
    while end == .found {
      if !states.contains(state) { states.append(state) }
      guard states.count < 2, stepBack() else { return states }
      end = search(budget)
    }
    if case .undecided = end { return nil }
    return states
  }

  private mutating func search(_ budget: SearchBudget) -> SearchEnd {
    while true {
      if let reason = exhausted(budget) { return .undecided(reason) }
      if isOptional {
        // Optional operations that were invoked before the answer that must be explained next.
        let next = cursor == LinkedEntries.end ? nil : optional[Int(optionalByCall[Int(cursor)])]
        if let next, next.call < rank(of: bound) {
          if place(next, cursor, isOptional: true, bound: bound) {
            (cursor, isOptional) = (list.first, false)
          } else {
            cursor = optionalList.after(cursor)
          }
        } else {
          guard stepBack() else { return .refuted(rank: rank(of: farthest)) }
        }
      } else if cursor == LinkedEntries.end {
        return .found
      } else if events[Int(cursor)].isEnd {
        noteObstacle(cursor)
        (bound, isOptional, cursor) = (cursor, true, optionalList.first)
      } else if place(required[Int(events[Int(cursor)].operation)], cursor, isOptional: false, bound: 0) {
        cursor = list.first
      } else {
        cursor = list.after(cursor)
      }
    }
  }

  /// Takes back the last decision and goes on after it; `false` when there is none.
  private mutating func stepBack() -> Bool {
    guard let frame = undo() else { return false }
    (isOptional, bound) = (frame.isOptional, frame.bound)
    cursor = isOptional ? optionalList.after(frame.entry) : list.after(frame.entry)
    return true
  }

  private func exhausted(_ budget: SearchBudget) -> UndecidedReason? {
    if steps >= budget.steps { return .steps }
    if cache.count >= budget.configurations { return .memory }
    if steps & 0x3ff == 0x3ff, budget.isTimeUp() { return .time }
    return nil
  }

  private func rank(of entry: Int32) -> Int {
    let event = events[Int(entry)]
    return event.isEnd ? required[Int(event.operation)].end : required[Int(event.operation)].call
  }

  /// Places an operation next, if the model allows it and the configuration is a new one.
  private mutating func place(_ operation: Operation, _ entry: Int32, isOptional: Bool, bound: Int32) -> Bool {
    steps += 1
    guard let next = model.step(state, operation.operation, operation.output) else { return false }
    if isOptional && isIdle(operation, to: next) { return false }
    frames.append(
      Frame(
        entry: entry, isOptional: isOptional, bound: bound, state: state, lastCall: lastCall, expired: expired))
    mark(entry, isOptional: isOptional)
    state = next
    lastCall = max(lastCall, operation.call)
    while expired < optional.count, optional[expired].end < lastCall {
      // Lifted already when it was placed itself.
      if !used.contains(expired) {
        used.insert(expired)
        optionalList.lift(entryOfOptional[expired])
        expiredUnused.append(Int32(expired))
      }
      expired += 1
    }
    if usesCache, !cache.insert(placed: placed, digest: digest, used: used, state: state) {
      _ = undo()
      return false
    }
    return true
  }

  /// Whether an optional operation need not be placed next: it changes nothing, or the optional one before it changed
  /// nothing that it needs, so that the same state is reached without that one.
  private func isIdle(_ operation: Operation, to next: Model.State) -> Bool {
    if next == state { return true }
    guard let last = frames.last, last.isOptional else { return false }
    return model.step(last.state, operation.operation, operation.output) == next
  }

  private mutating func mark(_ entry: Int32, isOptional: Bool) {
    if isOptional {
      used.insert(Int(optionalByCall[Int(entry)]))
      optionalList.lift(entry)
    } else {
      let number = Int(events[Int(entry)].operation)
      placed.insert(number)
      digest ^= Self.mix(UInt64(number))
      list.lift(entries[number].call)
      list.lift(entries[number].end)
    }
  }

  /// Takes back the last decision.
  private mutating func undo() -> Frame? {
    guard let frame = frames.popLast() else { return nil }
    while let last = expiredUnused.last, last >= frame.expired {
      expiredUnused.removeLast()
      used.remove(Int(last))
      optionalList.unlift(entryOfOptional[Int(last)])
    }
    (state, lastCall, expired) = (frame.state, frame.lastCall, frame.expired)
    if frame.isOptional {
      used.remove(Int(optionalByCall[Int(frame.entry)]))
      optionalList.unlift(frame.entry)
    } else {
      let number = Int(events[Int(frame.entry)].operation)
      placed.remove(number)
      digest ^= Self.mix(UInt64(number))
      list.unlift(entries[number].end)
      list.unlift(entries[number].call)
    }
    return frame
  }

  /// Notes that the answer at `entry` is the next to be explained, and that no required operation before it is left that
  /// fits.
  private mutating func noteObstacle(_ entry: Int32) {
    guard entry > farthest else { return }
    if keepsPath { longest = (frames.map(index), state) }
    farthest = entry
  }

  private func index(of frame: Frame) -> Int {
    frame.isOptional
      ? optional[Int(optionalByCall[Int(frame.entry)])].index : required[Int(events[Int(frame.entry)].operation)].index
  }

  /// The finalizer of SplitMix64: spreads a number over 64 bits.
  private static func mix(_ number: UInt64) -> UInt64 {
    var value = (number &+ 1) &* 0x9e37_79b9_7f4a_7c15
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
