internal import Seams

/// How a run ended.
public enum RunOutcome: Sendable, Hashable {
  /// The driver finished.
  case finished
  /// An invariant broke: its name and the evidence.
  case invariantBroken(name: String, evidence: [String])
  /// After every fault had healed the system did not come to rest within its bound: what was still open.
  case notConverged([String])
  /// Nothing could go on: what every host waits for.
  case stuck([String])
  /// Jobs kept running while time stood still.
  case livelock(String)
  /// The driver threw.
  case driverFailed(String)
  /// The harness itself failed: refused SQL, a broken scenario.
  case harnessFailure(String)
}

/// Names a foreground operation while it is under way.
public struct OperationToken: Hashable, Sendable {
  var number: Int
}

extension SimulationKernel {
  /// Notes that a foreground operation (a client's request, not a service's poller) began. The first one after a quiet
  /// time begins a new wait for progress: while nobody asked for anything, nothing was late.
  /// `label` is asked for only when the run gets stuck.
  public func beginOperation(_ label: @autoclosure @escaping () -> String) -> OperationToken {
    if operations.isEmpty { lastProgress = now }
    nextOperation += 1
    let token = OperationToken(number: nextOperation)
    operations[token] = label
    return token
  }

  /// Notes that a foreground operation ended: progress.
  public func endOperation(_ token: OperationToken) {
    operations[token] = nil
    lastProgress = now
  }

  /// Runs `driver` on a host of its own until it returns.
  ///
  /// - Parameters:
  ///   - stuckAfter: virtual time without any foreground operation ending, while some are under way, after which the
  ///     run is *stuck*; pollers never stop, so rest alone does not show it.
  ///   - limit: virtual time after which the run is *stuck* in any case.
  ///   - driver: the workload; it gets the process it runs in.
  /// - Returns: ``RunOutcome/finished``, or what ended the run early.
  @discardableResult
  public func run(
    stuckAfter: Duration = .seconds(600), limit: Duration = .seconds(86_400),
    driver: @escaping @Sendable (SimulatedProcess) async throws -> Void
  ) -> RunOutcome {
    let host = hosts.first { $0.name == "driver" } ?? self.host("driver")
    host.boot { process in
      do {
        try await driver(process)
        self.end(.finished)
      } catch {
        self.end(.driverFailed("\(error)"))
      }
    }
    watchProgress(stuckAfter)
    if let verdict = runLoop(until: now.advanced(by: limit)) { return verdict }
    return .stuck(waitReport())
  }

  /// What every host waits for, and the foreground operations under way.
  public func waitReport() -> [String] {
    var lines = operations.keys.sorted { $0.number < $1.number }.compactMap { token in
      operations[token].map { "operation \(token.number): \($0())" }
    }
    for host in hosts {
      guard let process = host.process else {
        lines.append("\(host.name): down")
        continue
      }
      let waits = process.pending.summary.map { "\($0.count) × \($0.label)" }.joined(separator: ", ")
      let paused = host.isPaused ? "paused, " : ""
      lines.append("\(process): \(paused)\(process.liveTasks) tasks; waits for \(waits.isEmpty ? "nothing" : waits)")
    }
    return lines
  }

  private func watchProgress(_ bound: Duration) {
    schedule(after: bound) { [self] in
      if isAtRest || (!operations.isEmpty && lastProgress.duration(to: now) >= bound) {
        end(.stuck(waitReport()))
      } else {
        watchProgress(bound)
      }
    }
  }
}
