public import Scenarios

/// Looks for each planted bug with growing seeds until a scenario finds it.
public struct PlantedHunt: JobSource {
  /// What became of one bug.
  public struct Hunt: Sendable {
    /// The bug, whose scenarios are tried in turn at every seed.
    public let bug: PlantedBug
    /// Runs played.
    public internal(set) var runs = 0
    /// Virtual time in these runs, in seconds.
    public internal(set) var virtualSeconds = 0.0
    /// Real time that workers spent, in seconds.
    public internal(set) var workerSeconds = 0.0
    /// The run that found it, by an invariant that the bug is expected to break.
    public internal(set) var found: RunReport?
    /// A run that ended for a reason that finds nothing: the harness failed, or something else broke.
    public internal(set) var trouble: RunReport?
    /// Seeds played to their end.
    public internal(set) var seeds: UInt64 = 0
    var isPlaying = false

    /// Whether it is known what became of the bug.
    public func isOver(limit: UInt64) -> Bool { found != nil || trouble != nil || seeds >= limit }
  }

  public private(set) var hunts: [Hunt]
  /// Seeds after which a bug counts as a survivor.
  public let limit: UInt64
  private var jobCount = 0
  private var jobs: [Int: Int] = [:]

  /// A hunt for each of `bugs`, with seeds 1 … `limit`.
  public init(_ bugs: [PlantedBug], limit: UInt64 = 1_000) {
    hunts = bugs.map { Hunt(bug: $0) }
    self.limit = limit
  }

  public var isDone: Bool { hunts.allSatisfy { $0.isOver(limit: limit) } && jobs.isEmpty }

  /// The bugs that no seed found.
  public var survivors: [Hunt] { hunts.filter { $0.found == nil } }

  public mutating func nextJob(for worker: Int32) -> Job? {
    guard let index = hunts.firstIndex(where: { !$0.isPlaying && !$0.isOver(limit: limit) }) else { return nil }
    let hunt = hunts[index]
    hunts[index].isPlaying = true
    jobCount += 1
    jobs[jobCount] = index
    return Job(
      id: jobCount,
      settings: RunSettings(
        scenario: hunt.bug.scenarios[hunt.runs % hunt.bug.scenarios.count], seed: hunt.seeds + 1,
        plantedBug: hunt.bug.name))
  }

  public mutating func finish(_ result: JobResult) {
    guard let index = jobs.removeValue(forKey: result.job.id) else { return }
    hunts[index].isPlaying = false
    hunts[index].runs += 1
    hunts[index].virtualSeconds += result.report.virtualSeconds
    hunts[index].workerSeconds += result.report.elapsed
    switch result.report.verdict {
    case .passed: break
    case .invariantBroken, .notConverged:
      // What else breaks shows another bug, or a checker that is wrong.
      if hunts[index].bug.isFound(by: result.report) {
        hunts[index].found = result.report
      } else {
        hunts[index].trouble = result.report
      }
    // A bug that makes the service trap would be found, too; but a refused statement or a failed rewrite would look the
    // same and prove nothing.
    case .crashed: hunts[index].trouble = result.report
    }
    if hunts[index].runs % hunts[index].bug.scenarios.count == 0 || hunts[index].found != nil {
      hunts[index].seeds = result.job.settings.seed
    }
  }

  public mutating func lost(worker: Int32) {}
}
