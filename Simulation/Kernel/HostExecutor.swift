internal import CSimulationTraps

/// Where the tasks of one process run: it only notes what became ready; the kernel decides what runs next.
///
/// `@unchecked Sendable`: `enqueue` traps on every thread but the kernel's, and nothing else touches the state.
final class HostExecutor: TaskExecutor, @unchecked Sendable {
  // The kernel keeps every process until it is gone itself.
  private unowned(unsafe) let process: SimulatedProcess
  private unowned(unsafe) let kernel: SimulationKernel

  init(process: SimulatedProcess) {
    self.process = process
    kernel = process.host.kernel
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    precondition(
      zoco_thread_identity() == kernel.thread,
      "simulation escape: a task of \(process.description) was resumed from another thread; resume it from the kernel's"
    )
    kernel.enqueue(job, of: process)
  }
}
