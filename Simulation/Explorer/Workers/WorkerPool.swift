internal import Foundation
internal import Scenarios

/// What a pool allows its workers.
public struct WorkerLimits: Sendable, Hashable {
  /// Real time that one run may take.
  public var timePerRun: Duration = .seconds(60)
  /// Resident memory of one worker, in bytes.
  public var residentBytes = 500 << 20

  public init() {}
}

/// Plays jobs in worker processes. It knows what each worker plays, so that a trap, a run without end or growing memory
/// becomes the report of that seed; the worker is replaced.
public final class WorkerPool {
  private let command: [String]
  private let concurrency: Int
  private let limits: WorkerLimits
  private var workers: [WorkerProcess] = []
  private var lastInspection = ContinuousClock.now
  /// The largest resident memory seen of any worker, in bytes.
  public private(set) var peakResidentBytes = 0

  /// A pool of `processes` workers, of which `concurrency` work at a time.
  ///
  /// - Parameter command: the worker's program and arguments; it must serve ``WorkerLoop``.
  public init(command: [String], processes: Int, concurrency: Int? = nil, limits: WorkerLimits = .init()) throws {
    // A worker that died must show as a failed write, not end the parent.
    signal(SIGPIPE, SIG_IGN)
    self.command = command
    self.concurrency = concurrency ?? processes
    self.limits = limits
    for _ in 0..<processes { workers.append(try WorkerProcess(command: command)) }
  }

  /// Plays the jobs of `source` until it is done.
  ///
  /// - Parameters:
  ///   - isInterrupted: asked several times a second; `true` ends the workers and the call.
  ///   - onTick: called several times a second and after each result, for progress.
  public func run<Source: JobSource>(
    _ source: inout Source, isInterrupted: () -> Bool = { false }, onTick: (Source) -> Void = { _ in }
  ) throws {
    defer { endAll() }
    while !source.isDone, !isInterrupted() {
      try assign(&source)
      try waitForOutput(&source)
      if lastInspection.duration(to: .now) > .milliseconds(100) {
        lastInspection = .now
        inspect()
        onTick(source)
      }
    }
    // Once more, for a sweep that was over before the first time.
    inspect()
    onTick(source)
  }

  private func assign<Source: JobSource>(_ source: inout Source) throws {
    var busy = workers.count { $0.job != nil }
    for worker in workers where worker.job == nil && busy < concurrency {
      guard let job = source.nextJob(for: worker.processId) else { continue }
      try worker.begin(job)
      busy += 1
    }
  }

  private func waitForOutput<Source: JobSource>(_ source: inout Source) throws {
    var watched: [pollfd] = []
    for worker in workers {
      watched.append(pollfd(fd: worker.output, events: Int16(POLLIN), revents: 0))
      watched.append(pollfd(fd: worker.errors, events: Int16(POLLIN), revents: 0))
    }
    guard poll(&watched, nfds_t(watched.count), 100) > 0 else { return }
    for (index, worker) in workers.enumerated() {
      if watched[index * 2 + 1].revents != 0 { _ = worker.readErrors() }
      guard watched[index * 2].revents != 0 else { continue }
      let (lines, ended) = worker.readOutput()
      for line in lines { try deliver(line, of: worker, to: &source) }
      if ended { try replace(index, &source) }
    }
  }

  private func deliver<Source: JobSource>(
    _ line: [UInt8], of worker: WorkerProcess, to source: inout Source
  ) throws {
    guard let job = worker.job else {
      throw WorkerFailure(message: "a worker wrote without being asked: \(String(decoding: line, as: UTF8.self))")
    }
    let report: RunReport
    do {
      report = try JSONDecoder().decode(RunReport.self, from: Data(line))
    } catch {
      // Only reports belong on a worker's standard output; anything else is the program's fault, with its seed.
      worker.kill(for: "wrote something that is no report: \(String(decoding: line.prefix(200), as: UTF8.self))")
      return
    }
    worker.job = nil
    source.finish(JobResult(job: job, report: report, worker: worker.processId))
  }

  /// Takes the place of a worker that has ended, and reports the run it was in.
  private func replace<Source: JobSource>(_ index: Int, _ source: inout Source) throws {
    let worker = workers[index]
    while !worker.readErrors() {}
    let end = worker.reap()
    if let job = worker.job {
      var report = RunReport(settings: job.settings, verdict: .crashed)
      report.finding = "the worker process \(end)"
      report.evidence = worker.complaints
      report.elapsed = worker.startedAt.duration(to: .now) / .seconds(1)
      source.finish(JobResult(job: job, report: report, worker: worker.processId))
    }
    source.lost(worker: worker.processId)
    workers[index] = try WorkerProcess(command: command)
  }

  /// Kills workers that take too long or too much.
  private func inspect() {
    for worker in workers {
      let resident = worker.residentBytes
      peakResidentBytes = max(peakResidentBytes, resident)
      guard worker.job != nil, worker.killedFor == nil else { continue }
      if worker.startedAt.duration(to: .now) > limits.timePerRun {
        worker.kill(for: "ran for more than \(limits.timePerRun.components.seconds) s of real time and was stopped")
      } else if resident > limits.residentBytes {
        worker.kill(for: "grew to \(resident >> 20) MB, more than \(limits.residentBytes >> 20) MB, and was stopped")
      }
    }
  }

  private func endAll() {
    for worker in workers { worker.kill(for: "ended") }
    for worker in workers { _ = worker.reap() }
    workers = []
  }
}
