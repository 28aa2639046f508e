internal import Seams

/// One incarnation of a host's program, from boot to crash. Every seam of a service is made for a process, so that what
/// a dead incarnation still holds can do nothing.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedProcess: @unchecked Sendable, CustomStringConvertible {
  /// The host that it runs on.
  public let host: SimulatedHost
  /// 1 for the host's first boot.
  public let incarnation: Int
  /// Random numbers of this incarnation.
  public let entropy: RandomStream
  private var executor: HostExecutor?
  @exclusivity(unchecked) private(set) var unownedExecutor: UnownedTaskExecutor?
  // One thread, and no access of these calls out to code that could come back.
  @exclusivity(unchecked) var pending = PendingCallList()
  private var tasks: ContiguousArray<TaskEntry> = []
  private var freeTasks: ContiguousArray<Int32> = []
  private(set) var liveTasks = 0
  let number: UInt64
  /// Whether the process has crashed: its effects are dropped.
  @exclusivity(unchecked) public private(set) var isSealed = false
  /// Whether it is being unwound after the run.
  @exclusivity(unchecked) private(set) var isReaping = false
  private var sealActions: [() -> Void] = []

  private struct TaskEntry {
    var task: Task<Void, Never>?
    var name: StaticString
  }

  init(host: SimulatedHost, incarnation: Int) {
    self.host = host
    self.incarnation = incarnation
    number = UInt64(host.index) << 32 | UInt64(incarnation)
    entropy = RandomStream(seed: host.kernel.seed, name: "process \(host.name) \(incarnation)")
    let executor = HostExecutor(process: self)
    self.executor = executor
    unownedExecutor = executor.asUnownedTaskExecutor()
  }

  /// The host's name, from its second boot on with `#` and the boot's number.
  public var description: String {
    incarnation == 1 ? host.name : "\(host.name)#\(incarnation)"
  }

  /// The process's monotonic clock.
  public var clock: HostClock { HostClock(process: self) }

  /// The process's civil clock.
  public var wallClock: HostWallClock { HostWallClock(host: host) }

  /// Starts a task on the process's executor. An error that leaves `operation` ends only the task and is kept in the
  /// trace; ``HostDead`` and `CancellationError` are expected.
  public func spawn(_ name: StaticString, _ operation: @escaping @Sendable () async throws -> Void) {
    guard !isSealed, let executor else { return }
    let slot: Int
    if let free = freeTasks.popLast() {
      slot = Int(free)
    } else {
      slot = tasks.count
      tasks.append(TaskEntry(task: nil, name: name))
    }
    liveTasks += 1
    tasks[slot].name = name
    tasks[slot].task = Task.detached(executorPreference: executor) { [self] in
      do {
        try await operation()
      } catch is HostDead {
      } catch is CancellationError {
      } catch {
        host.kernel.record(.note, host: host, "task \(name) failed: \(error)")
      }
      finished(slot)
    }
  }

  /// Makes a pending call of this process. On a process that has crashed it has already failed with ``HostDead``.
  @inlinable
  public func pendingCall<Value: Sendable>(_ label: StaticString, as type: Value.Type) -> PendingCall<Value> {
    PendingCall<Value>(self, label)
  }

  /// Makes a pending wait of this process: a call whose answer carries no value.
  public func pendingWait(_ label: StaticString) -> PendingWait {
    PendingWait(self, label)
  }

  /// Runs `action` when the process crashes: its connections break, its listeners close.
  public func onSeal(_ action: @escaping () -> Void) {
    sealActions.append(action)
  }

  /// Throws ``HostDead`` when the process has crashed: a seam that answers at once asks first.
  public func checkAlive() throws {
    if isSealed { throw HostDead(host: host.name) }
  }

  func seal() {
    guard !isSealed else { return }
    isSealed = true
    let actions = sealActions
    sealActions = []
    for action in actions { action() }
  }

  /// Unwinds what the process still runs: cancels its tasks and fails its pending calls.
  func beginReaping() {
    isReaping = true
    for entry in tasks { entry.task?.cancel() }
    while let call = pending.oldest {
      call.fail(HostDead(host: host.name))
    }
  }

  /// The names of the tasks that still run, for the report of a leak.
  var liveTaskNames: [String] {
    tasks.compactMap { $0.task == nil ? nil : $0.name.description }
  }

  private func finished(_ slot: Int) {
    tasks[slot].task = nil
    freeTasks.append(Int32(slot))
    liveTasks -= 1
  }
}
