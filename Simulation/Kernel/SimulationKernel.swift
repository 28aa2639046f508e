internal import CSimulationTraps
internal import Foundation
public import Seams

/// What a run may be given beside its seed.
public struct KernelOptions: Sendable {
  /// Which events the trace keeps.
  public var retention: Trace.Retention = .hashOnly
  /// Keep the hash after every this many events, 0 for none.
  public var checkpointInterval: UInt64 = 0
  /// The civil time at which the run begins.
  public var wallOrigin = Timestamp(microsecondsSinceEpoch: 1_767_225_600_000_000)
  /// Jobs that may run while virtual time stands still, before the run is called a livelock.
  public var jobLimitPerInstant = 5_000_000
  /// Jobs that unwinding the processes may take after the run.
  public var reapingJobLimit = 2_000_000

  /// The default options.
  public init() {}
}

/// Names an event that is due later.
public struct TimerToken: Sendable, Hashable {
  var token: EventQueue.Token
}

/// The simulation: virtual time, the tasks of every host in one seeded order, and the record of what happened.
///
/// Everything happens on one thread, the one that made the kernel. A ready task is picked by a random stream of the
/// seed; when none is ready, time jumps to the next event. The same seed and options give the same run and the same
/// ``Trace/hash``, in every process.
///
/// `@unchecked Sendable`: every entry point runs on the kernel's thread; executors trap on any other.
public final class SimulationKernel: @unchecked Sendable {
  /// The seed that decides everything.
  public let seed: UInt64
  /// What it was made with.
  public let options: KernelOptions
  /// Virtual time since the run began.
  @exclusivity(unchecked) public private(set) var now = MonotonicInstant(nanoseconds: 0)
  /// The record of the run.
  @exclusivity(unchecked) public private(set) var trace: Trace
  /// The hosts, in the order of their creation.
  public private(set) var hosts: [SimulatedHost] = []
  /// Why the run is to end early, once it is.
  private(set) var verdict: RunOutcome?
  let thread: UInt
  private let scheduling: RandomStream
  // One thread, and none of these is accessed while code that could come back runs.
  @exclusivity(unchecked) private var ready: ContiguousArray<ReadyJob> = []
  @exclusivity(unchecked) private var events = EventQueue()
  private var processes: ContiguousArray<SimulatedProcess> = []
  private var buried: ContiguousArray<ReadyJob> = []
  private var kept: [AnyObject] = []
  @exclusivity(unchecked) private var jobsAtThisInstant = 0
  private var isReaping = false
  /// Figures of the run.
  @exclusivity(unchecked) public private(set) var statistics = KernelStatistics()
  var lastProgress = MonotonicInstant(nanoseconds: 0)
  /// Foreground operations under way, by label: what a stuck run reports first.
  var operations: [OperationToken: () -> String] = [:]
  var nextOperation = 0

  private struct ReadyJob {
    var job: UnownedJob
    var process: Unmanaged<SimulatedProcess>
  }

  /// Asked once: reading the environment takes longer than many a run.
  private static let hashesAlike = ProcessInfo.processInfo.environment["SWIFT_DETERMINISTIC_HASHING"] != nil

  /// A kernel on the calling thread.
  ///
  /// - Precondition: the environment has `SWIFT_DETERMINISTIC_HASHING` set, without which `Hasher` differs from process
  ///   to process.
  public init(seed: UInt64, options: KernelOptions = KernelOptions()) {
    precondition(
      Self.hashesAlike,
      "a simulation needs SWIFT_DETERMINISTIC_HASHING=1 in its environment; ./zoco sim and ./zoco test set it")
    zoco_traps_install()
    self.seed = seed
    self.options = options
    thread = zoco_thread_identity()
    scheduling = RandomStream(seed: seed, name: "scheduling")
    trace = Trace(retention: options.retention)
    trace.checkpointInterval = options.checkpointInterval
  }

  /// The random stream `name` of this run. Asking twice starts it anew: keep it.
  public func stream(_ name: String) -> RandomStream {
    RandomStream(seed: seed, name: name)
  }

  /// Adds a host.
  ///
  /// - Precondition: no host has the name yet.
  public func host(_ name: String) -> SimulatedHost {
    precondition(!hosts.contains { $0.name == name }, "there is already a host \(name)")
    let host = SimulatedHost(kernel: self, name: name, index: hosts.count)
    hosts.append(host)
    return host
  }

  /// Runs `action` on the kernel's thread once `delay` of virtual time has passed.
  @discardableResult
  public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerToken {
    schedule(at: now.advanced(by: delay), action)
  }

  /// Runs `action` on the kernel's thread at `instant` of virtual time, or next when that is past. An event at
  /// ``MonotonicInstant/distantFuture`` never comes.
  @discardableResult
  public func schedule(at instant: MonotonicInstant, _ action: @escaping () -> Void) -> TimerToken {
    TimerToken(token: events.insert(at: max(instant.nanoseconds, now.nanoseconds), action))
  }

  /// Takes a scheduled action back. Does nothing when it has run.
  public func cancel(_ timer: TimerToken) {
    events.remove(timer.token)
  }

  /// Ends the run as a failure of the harness itself (refused SQL, a broken scenario), never as something the service
  /// could have handled.
  public func failHarness(_ message: String) {
    end(.harnessFailure(message))
  }

  /// Ends the run with `outcome` after the current job, unless it has already ended.
  public func end(_ outcome: RunOutcome) {
    if verdict == nil { verdict = outcome }
  }

  // MARK: - The loop

  /// Runs until something ends the run, no event is left, or virtual time reaches `limit`.
  ///
  /// - Returns: the outcome that ``end(_:)`` set; `nil` when the run only came to rest or to the limit.
  @discardableResult
  public func runLoop(until limit: MonotonicInstant = .distantFuture) -> RunOutcome? {
    precondition(zoco_thread_identity() == thread, "a kernel runs on the thread that made it")
    zoco_traps_enter()
    defer { zoco_traps_leave() }
    while verdict == nil {
      if !ready.isEmpty {
        runOneJob()
        continue
      }
      guard let next = events.nextTime, next <= limit.nanoseconds, next != .max, let event = events.popFirst() else {
        break
      }
      if event.time > now.nanoseconds {
        now = MonotonicInstant(nanoseconds: event.time)
        jobsAtThisInstant = 0
      }
      statistics.events += 1
      trace.mix(.timer, event.time, statistics.events)
      event.action()
    }
    if verdict == nil, limit != .distantFuture, now < limit { now = limit }
    return verdict
  }

  /// Whether nothing is ready and nothing is due.
  public var isAtRest: Bool { ready.isEmpty && (events.nextTime ?? .max) == .max }

  @inline(__always)
  private func runOneJob() {
    let count = ready.count
    let index = count == 1 ? 0 : scheduling.index(below: count)
    let picked = ready[index]
    let last = ready.removeLast()
    if index < count - 1 { ready[index] = last }
    let process = picked.process._withUnsafeGuaranteedRef { $0 }
    if process.isSealed {
      bury(picked.job, of: process)
      return
    }
    if process.host.isPaused {
      process.host.heldJobs.append(picked.job)
      return
    }
    statistics.jobs += 1
    jobsAtThisInstant += 1
    if jobsAtThisInstant > options.jobLimitPerInstant {
      end(.livelock("\(jobsAtThisInstant) jobs ran at \(now.nanoseconds) ns and time did not move; last on \(process)"))
    }
    trace.mix(.job, now.nanoseconds, process.number)
    run(picked.job, of: process)
  }

  @inline(__always)
  private func run(_ job: UnownedJob, of process: SimulatedProcess) {
    guard let executor = process.unownedExecutor else { preconditionFailure("a job of a process without executor") }
    job.runSynchronously(on: executor)
  }

  func enqueue(_ job: UnownedJob, of process: SimulatedProcess) {
    ready.append(ReadyJob(job: job, process: Unmanaged.passUnretained(process)))
  }

  /// Keeps a job of a dead process for the unwinding.
  func bury(_ job: UnownedJob, of process: SimulatedProcess) {
    buried.append(ReadyJob(job: job, process: Unmanaged.passUnretained(process)))
  }

  func adopt(_ process: SimulatedProcess) {
    processes.append(process)
  }

  // MARK: - After the run

  /// Keeps `part` of the simulated world until the run has been reaped: what hosts and messages lead to without owning.
  public func keep(_ part: AnyObject) {
    kept.append(part)
  }

  /// Unwinds every process, so that a finished run holds no memory: seals them all, fails their pending calls with
  /// ``HostDead``, cancels their tasks and runs what becomes ready, under a job limit. The hash does not change.
  ///
  /// - Returns: the tasks that would not end, by process; empty when all did.
  @discardableResult
  public func reap() -> [String] {
    zoco_traps_enter()
    defer { zoco_traps_leave() }
    isReaping = true
    events.removeAll()
    for host in hosts {
      host.process?.seal()
      for job in host.heldJobs { if let process = host.process { bury(job, of: process) } }
      host.heldJobs.removeAll()
    }
    ready.append(contentsOf: buried)
    buried.removeAll()
    for process in processes { process.beginReaping() }
    var left = options.reapingJobLimit
    while let next = ready.popLast(), left > 0 {
      left -= 1
      let process = next.process.takeUnretainedValue()
      run(next.job, of: process)
    }
    let leftovers = processes.flatMap { process in process.liveTaskNames.map { "\(process): \($0)" } }
    // What could not be unwound may still point here.
    if leftovers.isEmpty { dismantle() }
    return leftovers
  }

  /// Lets go of the hosts and of all that hangs on them, which points back here.
  private func dismantle() {
    events.removeAll()  // what the unwinding itself sent
    for host in hosts { host.forget() }
    hosts.removeAll()
    processes.removeAll()
    operations.removeAll()
    kept.removeAll()
  }

  // MARK: - The record

  /// Notes an event with its particulars. `detail` is always evaluated and hashed: for the few events that carry text.
  public func record(_ kind: TraceKind, host: SimulatedHost?, _ detail: @autoclosure () -> String) {
    let text = detail()
    trace.mix(kind, now.nanoseconds, UInt64(bitPattern: Int64(host?.index ?? -1)), Trace.digest(text))
    if trace.keepsEvents { keep(kind, host, text) }
  }

  /// Notes an event by numbers; `detail` is evaluated only when events are kept.
  @inline(__always)
  public func record(
    _ kind: TraceKind, host: SimulatedHost?, _ first: UInt64 = 0, _ second: UInt64 = 0,
    detail: @autoclosure () -> String = ""
  ) {
    trace.mix(kind, now.nanoseconds, first &+ UInt64(bitPattern: Int64(host?.index ?? -1)) << 48, second)
    if trace.keepsEvents { keep(kind, host, detail()) }
  }

  private func keep(_ kind: TraceKind, _ host: SimulatedHost?, _ detail: String) {
    trace.keep(
      TraceEvent(index: trace.count - 1, time: now, host: host?.name ?? "network", kind: kind, detail: detail))
  }
}

/// Figures of a run.
public struct KernelStatistics: Sendable, Hashable {
  /// Jobs (pieces of tasks between two suspensions) that ran.
  public var jobs: UInt64 = 0
  /// Events that came due.
  public var events: UInt64 = 0
}
