import NIOCore

/// Runs tasks on an event loop's thread, so that a request that waits for nothing never leaves the thread of its
/// connection: no hand-over to the cooperative pool and back for each part that is read or written.
final class EventLoopTaskExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute {
      job.runSynchronously(on: self.asUnownedTaskExecutor())
    }
  }
}
