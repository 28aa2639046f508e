package import Seams

/// A machine of the simulation. It has a clock and a name on the network, and runs at most one process at a time.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedHost: @unchecked Sendable {
  /// What the host runs: called at every boot with the new process. Returning ends the program, not the process.
  public typealias Program = @Sendable (SimulatedProcess) async throws -> Void

  /// What of a host a crash ends.
  public enum CrashKind: UInt64, Sendable, Hashable {
    /// The process alone: its operating system lives and resets the connections.
    case process
    /// The whole machine: it says nothing any more, so that its peers wait until their own deadlines.
    case power
  }

  /// The kernel that it runs in.
  public let kernel: SimulationKernel
  /// The host's name, unique in the run; also its address on the network.
  public let name: String
  /// The host's position in the order of creation.
  public let index: Int
  /// How fast the host's clocks run against virtual time, in parts per million.
  @exclusivity(unchecked) public private(set) var driftPPM: Int64 = 0
  /// Added to the host's civil clock.
  public private(set) var wallSkew: Duration = .zero
  /// Whether the host is paused: its process stands still, its clocks run on.
  @exclusivity(unchecked) public private(set) var isPaused = false
  /// The running process, `nil` before the first boot and after a crash.
  public private(set) var process: SimulatedProcess?
  /// Whether the machine is on: messages from and to one that is not vanish.
  @exclusivity(unchecked) public private(set) var isPowered = true
  /// How often the host has been booted.
  public private(set) var bootCount = 0
  private var program: Program?
  @exclusivity(unchecked) private var localOrigin: Int64 = 0
  @exclusivity(unchecked) private var globalOrigin: Int64 = 0
  private var wallAdjustment: Int64 = 0
  var heldJobs: ContiguousArray<UnownedJob> = []

  init(kernel: SimulationKernel, name: String, index: Int) {
    self.kernel = kernel
    self.name = name
    self.index = index
  }

  /// Whether a process runs, paused or not.
  public var isUp: Bool { process != nil }

  /// Boots the host with `program`, which it boots again at each ``restart()``.
  ///
  /// - Precondition: no process runs.
  @discardableResult
  public func boot(_ program: @escaping Program) -> SimulatedProcess {
    self.program = program
    return start(program)
  }

  /// Crashes the process at once: nothing it would still do happens. What it sent before is on its way.
  public func crash(_ kind: CrashKind = .process) {
    guard let process else { return }
    kernel.record(.hostCrashed, host: self, UInt64(bootCount), kind.rawValue, detail: "\(kind)")
    isPaused = false
    isPowered = kind != .power
    process.seal()
    self.process = nil
    for job in heldJobs { kernel.bury(job, of: process) }
    heldJobs.removeAll()
  }

  /// Boots the program again in a new process, with nothing left in memory. Does nothing when one runs or the host was
  /// never booted.
  public func restart() {
    guard process == nil, let program else { return }
    start(program)
  }

  /// Stops the process in its tracks (a long garbage collection, a stalled virtual machine). Its timers and messages
  /// arrive, but nothing runs until ``resume()``.
  public func pause() {
    guard !isPaused, process != nil else { return }
    isPaused = true
    kernel.record(.hostPaused, host: self)
  }

  /// Lets a paused process run on.
  public func resume() {
    guard isPaused else { return }
    isPaused = false
    kernel.record(.hostResumed, host: self)
    if let process {
      for job in heldJobs { kernel.enqueue(job, of: process) }
    }
    heldJobs.removeAll()
  }

  /// Sets the civil clock off by `skew` from now on.
  public func setWallSkew(_ skew: Duration) {
    wallSkew = skew
  }

  /// Makes both clocks run by `partsPerMillion` faster (or slower, when negative) from now on. Timers that are already
  /// set keep their instants.
  public func setDrift(partsPerMillion: Int64) {
    let global = kernel.now.nanoseconds
    localOrigin = localNow.nanoseconds
    globalOrigin = global
    driftPPM = partsPerMillion
  }

  /// Lets go of the program and its process: the run is over.
  func forget() {
    program = nil
    process = nil
  }

  var localNow: MonotonicInstant {
    let elapsed = kernel.now.nanoseconds - globalOrigin
    return MonotonicInstant(nanoseconds: localOrigin + elapsed + scaled(elapsed, driftPPM, 1_000_000))
  }

  var wallNow: Timestamp {
    kernel.options.wallOrigin.advanced(by: .nanoseconds(localNow.nanoseconds)).advanced(by: wallSkew)
  }

  /// The first instant of virtual time at which the host's clock shows at least `local`.
  package func globalInstant(ofLocal local: MonotonicInstant) -> MonotonicInstant {
    guard local != .distantFuture else { return local }
    let ahead = local.nanoseconds - localOrigin
    guard driftPPM != 0 else { return MonotonicInstant(nanoseconds: globalOrigin + ahead) }
    var global = globalOrigin + ahead - scaled(ahead, driftPPM, 1_000_000 + driftPPM)
    while localOrigin + (global - globalOrigin) + scaled(global - globalOrigin, driftPPM, 1_000_000) < local.nanoseconds
    {
      global += 1
    }
    return MonotonicInstant(nanoseconds: global)
  }

  /// value × numerator / denominator without overflow for the spans of a run.
  private func scaled(_ value: Int64, _ numerator: Int64, _ denominator: Int64) -> Int64 {
    guard numerator != 0 else { return 0 }
    return value / denominator * numerator + value % denominator * numerator / denominator
  }

  @discardableResult
  private func start(_ program: @escaping Program) -> SimulatedProcess {
    precondition(process == nil, "host \(name) already runs a process; crash it first")
    isPowered = true
    bootCount += 1
    kernel.record(.hostStarted, host: self, UInt64(bootCount))
    let process = SimulatedProcess(host: self, incarnation: bootCount)
    self.process = process
    kernel.adopt(process)
    process.spawn("main") { try await program(process) }
    return process
  }
}
