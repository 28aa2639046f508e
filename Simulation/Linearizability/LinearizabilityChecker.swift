/// Judges whether a history is linearizable.
///
/// Each partition is searched for an order of its own. Partitions that are decided quickly come first: every one gets a
/// small number of steps, then those that are left get more, so that a failure is found although another partition is
/// hard.
public struct LinearizabilityChecker<Model: SequentialModel>: Sendable {
  /// An entry of a history.
  public typealias Entry = HistoryOperation<Model.Operation, Model.Output>

  private let model: Model
  private let limits: SearchLimits
  private let remembersConfigurations: Bool

  /// A checker.
  ///
  /// - Parameters:
  ///   - model: what the object is supposed to do.
  ///   - limits: when to give up.
  ///   - remembersConfigurations: `false` only to measure what remembering is worth.
  public init(_ model: Model, limits: SearchLimits = SearchLimits(), remembersConfigurations: Bool = true) {
    self.model = model
    self.limits = limits
    self.remembersConfigurations = remembersConfigurations
  }

  /// Judges a history.
  ///
  /// - Parameter history: all operations, in any order.
  public func check(_ history: [Entry]) -> CheckReport<Model> {
    let isTimeUp = limits.startTimer()
    let partitions = partition(history)
    var report = CheckReport<Model>(operations: history.count, partitions: partitions.count)
    var open = Array(partitions.indices)
    var reason = UndecidedReason.steps
    var round = 100_000
    while !open.isEmpty {
      let steps = min(round, limits.steps ?? .max)
      var left: [Int] = []
      for number in open {
        let part = partitions[number]
        let operations = SearchOperation.ranked(history, of: part.indices)
        var search = ConfigurationSearch(
          model, initial: model.initialState(of: part.partition), operations, usesCache: remembersConfigurations)
        let end = search.run(
          SearchBudget(steps: steps, configurations: limits.configurations, isTimeUp: isTimeUp))
        report.steps += search.steps
        switch end {
        case .found: continue
        case .refuted(let rank):
          var minimizer = Minimizer(model, part.partition, isTimeUp: isTimeUp)
          report.verdict = .notLinearizable(minimizer.counterexample(operations, refutedAt: rank, in: history))
          return report
        case .undecided(let why):
          reason = why
          left.append(number)
        }
      }
      open = left
      // More steps help only where steps were what was missing.
      if reason != .steps || steps == limits.steps { break }
      round = round.multipliedReportingOverflow(by: 16).overflow ? .max : round * 16
    }
    report.verdict = open.isEmpty ? .linearizable : .unknown(reason, partitions: open.count)
    return report
  }

  private func partition(_ history: [Entry]) -> [(partition: Model.Partition, indices: [Int])] {
    var parts: [(partition: Model.Partition, indices: [Int])] = []
    var positions: [Model.Partition: Int] = [:]
    for (index, entry) in history.enumerated() {
      let partition = model.partition(of: entry.operation)
      if let position = positions[partition] {
        parts[position].indices.append(index)
      } else {
        positions[partition] = parts.count
        parts.append((partition, [index]))
      }
    }
    return parts
  }
}

/// What a check found.
public struct CheckReport<Model: SequentialModel>: Sendable {
  /// Whether there is an order.
  public enum Verdict: Sendable {
    /// There is one for every partition.
    case linearizable
    /// There is none for one partition at least.
    case notLinearizable(Counterexample<Model>)
    /// The limits were reached with so many partitions undecided; no partition failed until then.
    case unknown(UndecidedReason, partitions: Int)
  }

  /// The verdict.
  public internal(set) var verdict = Verdict.linearizable
  /// Operations in the history.
  public let operations: Int
  /// Partitions in the history.
  public let partitions: Int
  /// Calls of the model in all searches, without those that made a failure smaller.
  public internal(set) var steps = 0

  init(operations: Int, partitions: Int) {
    self.operations = operations
    self.partitions = partitions
  }
}
