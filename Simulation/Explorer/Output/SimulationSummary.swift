public import Foundation
internal import Scenarios

/// What a sweep came to, for machines: `--json FILE`.
public struct SimulationSummary: Sendable, Codable {
  /// A scenario's part.
  public struct Scenario: Sendable, Codable {
    public var name: String
    public var seeds: String
    public var done: Int
    public var passed: Int
    public var verified: Int
    public var requests: Int
    public var virtualSeconds: Double
    public var wallSeconds: Double
    public var workerSeconds: Double
    public var faults: [String: Int]
    public var figures: [String: [String: Double]]
    /// The hash, where one seed was played.
    public var hash: String?
    public var failures: [Failure]
  }

  /// A run that did not pass.
  public struct Failure: Sendable, Codable {
    public var seed: UInt64
    public var plantedBug: String?
    public var verdict: String
    public var finding: String
    public var options: [String]
    public var evidence: [String]
    /// The last events before the end, oldest first, each a whole line.
    public var events: [String]
    public var hash: String
    public var replay: String
  }

  public var passed: Bool
  public var interrupted: Bool
  public var scenarios: [Scenario]

  /// The summary of `sweep`.
  public init(_ sweep: SeedSweep, interrupted: Bool) {
    passed = sweep.worst == .passed && !interrupted
    self.interrupted = interrupted
    scenarios = sweep.tallies.map { tally in
      Scenario(
        name: tally.name, seeds: tally.seeds.description, done: tally.done, passed: tally.passed,
        verified: tally.verified, requests: tally.requests, virtualSeconds: tally.virtualSeconds,
        wallSeconds: tally.wallSeconds, workerSeconds: tally.workerSeconds,
        faults: Dictionary(tally.faults.map { ($0.kind, $0.count) }) { $0 + $1 },
        figures: Dictionary(
          tally.figures.map { ($0.name, ["least": $0.least, "mean": $0.mean, "greatest": $0.greatest]) }
        ) { first, _ in first },
        hash: tally.onlyRun?.hash, failures: tally.failures.map { Failure($0.report) })
    }
  }

  /// The summary as JSON, members sorted.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}

extension SimulationSummary.Failure {
  init(_ report: RunReport) {
    self.init(
      seed: report.settings.seed, plantedBug: report.settings.plantedBug, verdict: report.verdict.rawValue,
      finding: report.finding, options: report.drawn, evidence: report.evidence,
      events: report.events.map(\.description), hash: report.hash, replay: report.settings.replayCommand)
  }
}
