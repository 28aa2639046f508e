extension Counterexample {
  /// The failure as people read it: a line for each operation, with the span of its life, and what does not fit.
  public var timeline: String {
    let total = earlier + operations.count + leftOut + later
    var lines = ["\(model.describe(partition: partition)): \(operations.count) of \(total) operations fit in no order"]
    if earlier > 0 {
      lines.append("after \(earlier) earlier operations, which lead to: \(model.describe(state: start))")
    }
    lines += bars
    lines += explanation
    if leftOut > 0 {
      lines.append("left out: \(leftOut) before the failure; it stays whether or not they took effect")
    }
    if later > 0 { lines.append("left out: \(later) that began after the failure") }
    if !isMinimal { lines.append("the search for a smaller failure was cut short") }
    return lines.joined(separator: "\n")
  }

  /// Columns stand for events, in their order; the moments are written beside them.
  private var bars: [String] {
    var moments: [(moment: Int, isEnd: Bool, number: Int)] = []
    for (number, entry) in operations.enumerated() {
      moments.append((entry.invoked, false, number))
      if let answered = entry.answered { moments.append((answered, true, number)) }
    }
    moments.sort { ($0.moment, $0.isEnd ? 1 : 0, $0.number) < ($1.moment, $1.isEnd ? 1 : 0, $1.number) }
    var spans = Array(repeating: (start: 0, end: 0), count: operations.count)
    for (column, event) in moments.enumerated() {
      if event.isEnd { spans[event.number].end = column } else { spans[event.number].start = column }
    }
    // Wide histories get one character for each event, others three.
    let width = moments.count > 40 ? 1 : 3
    let names = operations.map { "  \($0.client)" }
    let nameWidth = names.map(\.count).max() ?? 0
    return operations.indices.map { number in
      let (start, end) = spans[number]
      let bar =
        String(repeating: " ", count: start * width) + "├"
        + String(repeating: "─", count: max(0, (end - start) * width - 1)) + "┤"
      return pad(names[number], to: nameWidth) + "  " + pad(bar, to: moments.count * width) + " " + told(number)
    }
  }

  private func told(_ number: Int) -> String {
    let entry = operations[number]
    let moments = entry.answered.map { "\(entry.invoked)–\($0)" } ?? "\(entry.invoked)–"
    return "\(model.describe(entry.operation, entry.output))  (\(moments))"
  }

  private var explanation: [String] {
    let order = longestOrder.map { model.describe($0.operation, $0.output) }
    let state = model.describe(state: state)
    guard !order.isEmpty else { return ["at first: \(state); none of the answers fits"] }
    // Of a long order the end is what matters.
    let shown = order.count > 6 ? ["…"] + order.suffix(6) : order
    return [
      "one order that gets as far as any: \(shown.joined(separator: ", "))", "after it: \(state); nothing else fits",
    ]
  }

  private func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
