internal import CSimulationTraps

/// Where the tasks of one process run: it only notes what became ready; the kernel decides what runs next.
///
/// `@unchecked Sendable`: `enqueue` traps on every thread but the kernel's, and nothing else touches the state.
final class HostExecutor: TaskExecutor, @unchecked Sendable {
  unowned let process: SimulatedProcess

  init(process: SimulatedProcess) {
    self.process = process
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let kernel = process.host.kernel
    precondition(
      zoco_thread_identity() == kernel.thread,
      "simulation escape: a task of \(process.description) was resumed from another thread; resume it from the kernel's"
    )
    kernel.enqueue(job, of: process)
  }
}
