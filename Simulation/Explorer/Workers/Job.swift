public import Scenarios

/// One run that a worker process is asked for.
public struct Job: Sendable, Codable, Hashable {
  /// Names the job among all of one exploration.
  public var id: Int
  public var settings: RunSettings
  public var recording: RunRecording
  /// The worker process that must not get it: the one that played the same seed before.
  public var excludedWorker: Int32?
  /// The worker process that must get it, as long as it lives.
  public var requiredWorker: Int32?

  /// The job `id`: play `settings`.
  public init(id: Int, settings: RunSettings, recording: RunRecording = .hashOnly) {
    self.id = id
    self.settings = settings
    self.recording = recording
  }

  /// Whether the worker process `number` may play it.
  func suits(_ number: Int32) -> Bool {
    if let requiredWorker { return requiredWorker == number }
    return excludedWorker != number
  }
}

/// What became of a job.
public struct JobResult: Sendable {
  public var job: Job
  /// The worker's report, or one made for it when its process died.
  public var report: RunReport
  /// The worker's process id.
  public var worker: Int32

  /// What became of `job` in the process `worker`.
  public init(job: Job, report: RunReport, worker: Int32) {
    self.job = job
    self.report = report
    self.worker = worker
  }
}

/// Where a pool gets its jobs from and brings their results to. It does no I/O, so that it is tested without processes.
public protocol JobSource {
  /// A job that the worker process `worker` may play now; `nil` when there is none at this time.
  mutating func nextJob(for worker: Int32) -> Job?
  /// Takes a job's result; further jobs may follow from it.
  mutating func finish(_ result: JobResult)
  /// Learns that the process `worker` has ended, with its job's result already given.
  mutating func lost(worker: Int32)
  /// Whether nothing is left to do and no job is under way.
  var isDone: Bool { get }
}
