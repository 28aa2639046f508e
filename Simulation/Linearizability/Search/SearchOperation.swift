/// An operation as the search sees it: moments are replaced by their rank among all events of the partition.
struct SearchOperation<Operation: Sendable, Output: Sendable>: Sendable {
  /// Its place in the history.
  var index: Int
  var operation: Operation
  /// What was answered; `nil` where any answer will do.
  var output: Output?
  /// The rank of its invocation.
  var call: Int
  /// The rank of its answer; `Int.max` if there is none.
  var end: Int
  /// Whether it certainly happened. One that is not required may have happened between `call` and `end`, or never.
  var isRequired: Bool

  /// The operations of one partition, in the order in which they were invoked.
  ///
  /// Of events at the same moment invocations come first, so that operations which touch overlap.
  static func ranked(_ history: [HistoryOperation<Operation, Output>], of indices: [Int]) -> [SearchOperation] {
    var events: [(moment: Int, isEnd: Bool, index: Int)] = []
    events.reserveCapacity(2 * indices.count)
    for index in indices {
      events.append((history[index].invoked, false, index))
      if let answered = history[index].answered { events.append((answered, true, index)) }
    }
    events.sort { ($0.moment, $0.isEnd ? 1 : 0, $0.index) < ($1.moment, $1.isEnd ? 1 : 0, $1.index) }
    var operations: [SearchOperation] = []
    operations.reserveCapacity(indices.count)
    var positions: [Int: Int] = [:]
    positions.reserveCapacity(indices.count)
    for (rank, event) in events.enumerated() {
      if event.isEnd {
        if let position = positions[event.index] { operations[position].end = rank }
      } else {
        let entry = history[event.index]
        positions[event.index] = operations.count
        operations.append(
          SearchOperation(
            index: event.index, operation: entry.operation, output: entry.output, call: rank, end: .max,
            isRequired: entry.output != nil))
      }
    }
    return operations
  }
}
