/// What one row was, from commit to commit.
///
/// Moments are numbers: moment 0 is before the first commit, moment n after the n-th.
struct RowHistory<Row: Sendable>: Sendable {
  /// A span of moments in which the row did not change.
  struct State {
    /// The row; `nil` when there was none.
    var row: Row?
    /// The moment at which it changed into the next state; `nil` for the last state of the span asked for.
    var next: Int?
  }

  private var steps: [(moment: Int, row: Row?)] = []

  /// Notes that the row is `row` from `moment` on.
  mutating func append(_ row: Row?, at moment: Int) {
    // What was in between within one commit, nobody saw.
    if steps.last?.moment == moment { steps.removeLast() }
    steps.append((moment, row))
  }

  /// The states of the row during `span`, at least one.
  func states(in span: ClosedRange<Int>) -> [State] {
    var states: [State] = []
    var index = position(at: span.lowerBound)
    repeat {
      let following = index + 1 < steps.count && steps[index + 1].moment <= span.upperBound ? index + 1 : nil
      states.append(State(row: index < 0 ? nil : steps[index].row, next: following.map { steps[$0].moment }))
      index = following ?? steps.count
    } while index < steps.count
    return states
  }

  /// The row at `moment`.
  func row(at moment: Int) -> Row? {
    let index = position(at: moment)
    return index < 0 ? nil : steps[index].row
  }

  /// The moments of `span` at which the row changed.
  func changes(in span: ClosedRange<Int>) -> [Int] {
    states(in: span).compactMap(\.next)
  }

  /// Every version of the row, the latest first.
  var versions: some Sequence<Row> { steps.reversed().lazy.compactMap(\.row) }

  /// The last step at or before `moment`; -1 when there is none.
  private func position(at moment: Int) -> Int {
    var low = 0
    var high = steps.count
    while low < high {
      let middle = (low + high) / 2
      if steps[middle].moment <= moment { low = middle + 1 } else { high = middle }
    }
    return low - 1
  }
}
