/// Makes histories that are linearizable by construction: operations are executed one after the other, and each gets a
/// life that spans the moment at which it was executed, so that the lives of different clients overlap.
///
/// They test checkers, and with one answer changed they test them again.
public struct HistoryGenerator<Model: SequentialModel> {
  /// An entry of a history.
  public typealias Entry = HistoryOperation<Model.Operation, Model.Output>

  private let clients: Int
  private let unanswered: Double

  /// A generator.
  ///
  /// - Parameters:
  ///   - clients: how many ask at the same time.
  ///   - unanswered: which share of the operations loses its answer; half of these happen.
  public init(clients: Int, unanswered: Double = 0) {
    precondition(clients > 0 && (0...1).contains(unanswered))
    self.clients = clients
    self.unanswered = unanswered
  }

  /// A history, in the order in which its operations were invoked.
  ///
  /// - Parameters:
  ///   - count: how many operations.
  ///   - generator: where all draws come from.
  ///   - draw: the next operation of a client.
  ///   - execute: executes an operation.
  public func history<Generator: RandomNumberGenerator>(
    of count: Int, using generator: inout Generator,
    draw: (_ client: Int, inout Generator) -> Model.Operation,
    execute: (Model.Operation) -> Model.Output
  ) -> [Entry] {
    var entries: [Entry] = []
    // The clients whose operation was invoked, executed and answered in turn, a random one at each tick.
    var phases: [Phase] = Array(repeating: .idle, count: clients)
    var tick = 0
    var busy = 0
    while entries.count < count || busy > 0 {
      tick += 1
      let client = Int.random(in: 0..<clients, using: &generator)
      switch phases[client] {
      case .idle:
        guard entries.count < count else { continue }
        let operation = draw(client, &generator)
        entries.append(Entry(client: "client \(client)", operation: operation, invoked: tick, outcome: .unknown))
        phases[client] = .invoked(entry: entries.count - 1)
        busy += 1
      case .invoked(let entry):
        let isLost = Double.random(in: 0..<1, using: &generator) < unanswered
        if isLost {
          if Bool.random(using: &generator) { _ = execute(entries[entry].operation) }
          phases[client] = .idle
          busy -= 1
        } else {
          phases[client] = .executed(entry: entry, execute(entries[entry].operation))
        }
      case .executed(let entry, let output):
        entries[entry].outcome = .answered(output, at: tick)
        phases[client] = .idle
        busy -= 1
      }
    }
    return entries
  }

  private enum Phase {
    case idle
    case invoked(entry: Int)
    case executed(entry: Int, Model.Output)
  }
}
