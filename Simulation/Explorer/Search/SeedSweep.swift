public import Scenarios

/// Plays scenarios over ranges of seeds; repeats failures with their events, and every run in a second process where
/// that is asked for.
public struct SeedSweep: JobSource {
  /// How a sweep is done.
  public struct Options: Sendable, Hashable {
    /// Play every seed a second time in another process and compare the hashes.
    public var verifies = false
    /// The planted bug that the runs carry.
    public var plantedBug: String?
    /// Events that the repetition of a failed run keeps.
    public var eventsOfFailure = 400
    /// What a single run keeps: all events for `--trace`.
    public var recording = RunRecording.hashOnly
    /// Failures after which the rest of a scenario's seeds is left out.
    public var failureLimit = 10

    public init() {}
  }

  /// What the runs of each scenario came to.
  public private(set) var tallies: [ScenarioTally]
  private let options: Options
  private var followUps: [Job] = []
  private var purposes: [Int: Purpose] = [:]
  private var differences: [DifferenceSearch] = []
  private var jobCount = 0
  private var underWay = 0

  private enum Purpose {
    case first(tally: Int)
    case events(tally: Int, failure: Int)
    case second(tally: Int, first: RunReport, worker: Int32)
    case difference(Int, side: DifferenceSearch.Side)
  }

  /// A sweep of each scenario over its seeds.
  public init(_ plans: [(scenario: any Scenario, seeds: SeedRange)], options: Options = Options()) {
    tallies = plans.map { ScenarioTally(scenario: $0.scenario, seeds: $0.seeds) }
    self.options = options
  }

  public var isDone: Bool {
    underWay == 0 && followUps.isEmpty && tallies.allSatisfy { $0.nextSeed == nil }
  }

  /// The worst that was found.
  public var worst: RunReport.Verdict {
    let verdicts = tallies.flatMap { $0.failures.map(\.report.verdict) }
    return [.crashed, .invariantBroken, .notConverged].first { verdicts.contains($0) } ?? .passed
  }

  public mutating func nextJob(for worker: Int32) -> Job? {
    if let index = followUps.firstIndex(where: { $0.suits(worker) }) {
      underWay += 1
      return followUps.remove(at: index)
    }
    guard let index = tallies.firstIndex(where: { $0.nextSeed != nil }), let seed = tallies[index].nextSeed else {
      return nil
    }
    tallies[index].nextSeed = seed == tallies[index].seeds.last ? nil : seed + 1
    if tallies[index].startedAt == nil { tallies[index].startedAt = .now }
    let settings = RunSettings(scenario: tallies[index].name, seed: seed, plantedBug: options.plantedBug)
    underWay += 1
    return job(settings, .first(tally: index), options.recording)
  }

  public mutating func finish(_ result: JobResult) {
    underWay -= 1
    guard let purpose = purposes.removeValue(forKey: result.job.id) else { return }
    switch purpose {
    case .first(let tally):
      tallies[tally].add(result.report)
      if result.report.verdict != .passed { fail(result.report, tally) }
      if options.verifies, !result.report.hash.isEmpty {
        var second = job(
          result.job.settings, .second(tally: tally, first: result.report, worker: result.worker), .hashOnly)
        second.excludedWorker = result.worker
        followUps.append(second)
      }
      close(tally)
    case .events(let tally, let failure):
      if result.report.verdict != .passed, !result.report.hash.isEmpty {
        tallies[tally].failures[failure].report = result.report
      }
      close(tally)
    case .second(let tally, let first, let worker):
      compare(first, of: worker, with: result, tally)
      close(tally)
    case .difference(let index, let side):
      for request in differences[index].take(result.report, side) { ask(request, of: index) }
      if let report = differences[index].conclusion { fail(report, differences[index].tally, repeats: false) }
      close(differences[index].tally)
    }
  }

  public mutating func lost(worker: Int32) {
    for index in followUps.indices where followUps[index].requiredWorker == worker {
      followUps[index].requiredWorker = nil
    }
  }

  private mutating func job(_ settings: RunSettings, _ purpose: Purpose, _ recording: RunRecording) -> Job {
    jobCount += 1
    purposes[jobCount] = purpose
    return Job(id: jobCount, settings: settings, recording: recording)
  }

  private mutating func fail(_ report: RunReport, _ tally: Int, repeats: Bool = true) {
    tallies[tally].failures.append(ScenarioTally.Failure(report: report))
    let isWorthRepeating = repeats && !report.hash.isEmpty && tallies[tally].failures.count <= 3
    if isWorthRepeating, report.events.isEmpty {
      followUps.append(
        job(
          report.settings, .events(tally: tally, failure: tallies[tally].failures.count - 1),
          RunRecording(latestEvents: options.eventsOfFailure)))
    }
    if tallies[tally].failures.count >= options.failureLimit, tallies[tally].nextSeed != nil {
      tallies[tally].nextSeed = nil
      tallies[tally].wasCutShort = true
    }
  }

  private mutating func compare(_ first: RunReport, of worker: Int32, with second: JobResult, _ tally: Int) {
    if second.report.hash == first.hash {
      tallies[tally].verified += 1
      return
    }
    var search = DifferenceSearch(first: first, second: second.report, tally: tally)
    search.workers = (worker, second.worker)
    let requests = search.begin()
    differences.append(search)
    for request in requests { ask(request, of: differences.count - 1) }
    if let report = search.conclusion { fail(report, tally, repeats: false) }
  }

  private mutating func ask(_ request: DifferenceSearch.Request, of index: Int) {
    var next = job(request.settings, .difference(index, side: request.side), request.recording)
    next.requiredWorker = request.side == .first ? differences[index].workers.first : differences[index].workers.second
    followUps.append(next)
  }

  /// Notes the end of a scenario once its last result is in.
  private mutating func close(_ tally: Int) {
    guard tallies[tally].nextSeed == nil else { return }
    let isOpen = purposes.values.contains { purpose in
      switch purpose {
      case .first(let index), .events(let index, _), .second(let index, _, _): index == tally
      case .difference(let search, _): differences[search].tally == tally
      }
    }
    if !isOpen { tallies[tally].endedAt = .now }
  }
}
