internal import Checkers
internal import Seams
internal import SimulationKernel

/// Plays single runs on the calling thread.
public enum ScenarioRunner {
  /// Plays the run that `settings` name.
  ///
  /// - Parameter recording: what to keep of its events.
  /// - Precondition: the scenario exists.
  public static func run(_ settings: RunSettings, recording: RunRecording = .hashOnly) -> RunReport {
    guard let scenario = ScenarioCatalogue.scenario(named: settings.scenario) else {
      preconditionFailure("there is no scenario \(settings.scenario)")
    }
    let started = ContinuousClock.now
    let world = World(settings: settings, recording: recording)
    let outcome = scenario.play(in: world)
    let trace = world.kernel.trace
    var report = RunReport(settings: settings, verdict: .passed, hash: hexadecimal(trace.hash))
    report.judge(outcome)
    report.eventCount = trace.count
    report.jobCount = world.kernel.statistics.jobs
    report.virtualNanoseconds = world.kernel.now.nanoseconds
    report.requestCount = world.requestCount
    report.drawn = world.drawn
    report.faults = world.faults
    report.figures = world.figures
    report.checkpoints = trace.checkpoints
    report.events = trace.events.lazy
      .filter { $0.index >= recording.fromEvent && $0.index < recording.beforeEvent }
      .map(RunReport.Event.init)
    let leftovers = world.kernel.reap()
    if report.verdict == .passed, !leftovers.isEmpty {
      report.judge(.harnessFailure("tasks did not end after the run: " + leftovers.joined(separator: "; ")))
    }
    report.elapsed = (ContinuousClock.now - started).inSecondsDouble
    return report
  }

  /// `hash` in sixteen hexadecimal digits.
  static func hexadecimal(_ hash: UInt64) -> String {
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension RunReport {
  /// Says in the report how the run ended.
  mutating func judge(_ outcome: RunOutcome) {
    switch outcome {
    case .finished:
      verdict = .passed
    case .invariantBroken(let name, let evidence):
      (verdict, finding, self.evidence) = (.invariantBroken, name, evidence)
      invariant = Invariant(rawValue: name)
    case .notConverged(let open):
      (verdict, finding, evidence) = (.notConverged, "not at rest within the bound after every fault had healed", open)
      invariant = .comesToRest
    case .stuck(let waits):
      (verdict, finding, evidence) = (.notConverged, "stuck: nothing could go on", waits)
      invariant = .comesToRest
    case .livelock(let text):
      (verdict, finding, evidence) = (.crashed, "livelock", [text])
    case .driverFailed(let text):
      (verdict, finding, evidence) = (.crashed, "the scenario's driver failed", [text])
    case .harnessFailure(let text):
      (verdict, finding, evidence) = (.crashed, "harness failure", [text])
    }
  }
}

extension Duration {
  var inSecondsDouble: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
