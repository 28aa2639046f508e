public import Scenarios

/// What the runs of one scenario came to.
public struct ScenarioTally: Sendable {
  /// A run that did not pass.
  public struct Failure: Sendable {
    /// The run, replaced by its repetition with events once that is in.
    public var report: RunReport
  }

  /// The least, mean and greatest of a figure over the runs that measured it.
  public struct FigureSummary: Sendable, Hashable {
    public var name: String
    public var unit: String
    public private(set) var least: Double
    public private(set) var greatest: Double
    private var sum: Double
    public private(set) var count: Int

    init(_ figure: RunReport.Figure) {
      name = figure.name
      unit = figure.unit
      (least, greatest, sum, count) = (figure.value, figure.value, figure.value, 1)
    }

    public var mean: Double { sum / Double(count) }

    mutating func add(_ value: Double) {
      least = min(least, value)
      greatest = max(greatest, value)
      sum += value
      count += 1
    }
  }

  public let name: String
  public let summary: String
  public let seeds: SeedRange
  /// Runs whose result is in, repetitions not counted.
  public internal(set) var done = 0
  public internal(set) var passed = 0
  /// Runs that a second process played with the same hash.
  public internal(set) var verified = 0
  public internal(set) var failures: [Failure] = []
  public internal(set) var requests = 0
  public internal(set) var virtualNanoseconds: Int64 = 0
  /// Real time that workers spent in the runs, in seconds.
  public internal(set) var workerSeconds = 0.0
  public internal(set) var faults: [RunReport.FaultCount] = []
  public internal(set) var figures: [FigureSummary] = []
  /// The only run, where one seed was asked for.
  public internal(set) var onlyRun: RunReport?
  /// Whether seeds were left out because too many before them had failed.
  public internal(set) var wasCutShort = false
  var nextSeed: UInt64?
  var startedAt: ContinuousClock.Instant?
  var endedAt: ContinuousClock.Instant?

  init(scenario: any Scenario, seeds: SeedRange) {
    name = scenario.name
    summary = scenario.summary
    self.seeds = seeds
    nextSeed = seeds.first
  }

  /// Virtual time in the runs, in seconds.
  public var virtualSeconds: Double { Double(virtualNanoseconds) / 1e9 }

  /// Real time from the first run's start to the last one's end, in seconds.
  public var wallSeconds: Double {
    guard let startedAt else { return 0 }
    return startedAt.duration(to: endedAt ?? .now) / .seconds(1)
  }

  /// Whether a result is still to come.
  public var isOpen: Bool { nextSeed != nil || endedAt == nil }

  mutating func add(_ report: RunReport) {
    done += 1
    requests += report.requestCount
    virtualNanoseconds += report.virtualNanoseconds
    workerSeconds += report.elapsed
    for fault in report.faults {
      if let index = faults.firstIndex(where: { $0.kind == fault.kind }) {
        faults[index].count += fault.count
      } else {
        faults.append(fault)
      }
    }
    for figure in report.figures {
      if let index = figures.firstIndex(where: { $0.name == figure.name }) {
        figures[index].add(figure.value)
      } else {
        figures.append(FigureSummary(figure))
      }
    }
    if seeds.count == 1 { onlyRun = report }
    if report.verdict == .passed { passed += 1 }
  }
}
