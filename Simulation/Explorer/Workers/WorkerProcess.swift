internal import Foundation

/// One worker process and the pipes to it.
final class WorkerProcess {
  let processId: Int32
  let output: Int32
  let errors: Int32
  private let input: Int32
  private var received: [UInt8] = []
  private var stderrTail: [UInt8] = []
  /// The job it plays.
  var job: Job?
  var startedAt = ContinuousClock.now
  /// Why the parent killed it, where it did.
  var killedFor: String?
  private static let tailLength = 8 * 1024

  /// Starts `command` with pipes for its three standard streams.
  ///
  /// - Throws: ``WorkerFailure`` when the system refuses.
  init(command: [String]) throws {
    // A trap's report is to fit the pipe and the eye: the crashed thread's frames, no registers, no images.
    setenv("SWIFT_BACKTRACE", "enable=yes,color=no,registers=none,images=none,threads=crashed,limit=24", 0)
    let (inputRead, inputWrite) = try Self.pipe()
    let (outputRead, outputWrite) = try Self.pipe()
    let (errorRead, errorWrite) = try Self.pipe()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, inputRead, 0)
    posix_spawn_file_actions_adddup2(&actions, outputWrite, 1)
    posix_spawn_file_actions_adddup2(&actions, errorWrite, 2)
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var started: pid_t = 0
    let status = posix_spawn(&started, command[0], &actions, nil, arguments, environ)
    for descriptor in [inputRead, outputWrite, errorWrite] { close(descriptor) }
    guard status == 0 else {
      for descriptor in [inputWrite, outputRead, errorRead] { close(descriptor) }
      throw WorkerFailure(message: "could not start \(command[0]): \(String(cString: strerror(status)))")
    }
    processId = started
    input = inputWrite
    output = outputRead
    errors = errorRead
  }

  deinit {
    close(input)
    close(output)
    close(errors)
  }

  /// Sends `job` to the worker. A worker that has died is noticed when its output ends.
  func begin(_ job: Job) throws {
    self.job = job
    startedAt = ContinuousClock.now
    var line = try JSONEncoder().encode(job)
    line.append(UInt8(ascii: "\n"))
    line.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = write(input, bytes.baseAddress! + sent, bytes.count - sent)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { return }
        sent += count
      }
    }
  }

  /// Reads what the worker wrote.
  ///
  /// - Returns: the whole lines, and whether the output has ended.
  func readOutput() -> (lines: [[UInt8]], ended: Bool) {
    let ended = Self.read(output, into: &received)
    var lines: [[UInt8]] = []
    while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(Array(received[..<end]))
      received.removeSubrange(...end)
    }
    return (lines, ended)
  }

  /// Reads what the worker complained about and keeps its end.
  func readErrors() -> Bool {
    let ended = Self.read(errors, into: &stderrTail)
    if stderrTail.count > Self.tailLength { stderrTail.removeFirst(stderrTail.count - Self.tailLength) }
    return ended
  }

  /// What the worker wrote to standard error: from its last fatal error on, else the last lines.
  var complaints: [String] {
    let lines = String(decoding: stderrTail, as: UTF8.self).split(separator: "\n")
    let fatal = lines.lastIndex { $0.contains("Fatal error") || $0.contains("Precondition failed") }
    return (fatal.map { lines[$0...].prefix(30) } ?? lines.suffix(20)).map(String.init)
  }

  /// Resident memory in bytes; 0 when the process is gone or the system does not say.
  var residentBytes: Int {
    guard let text = try? String(contentsOfFile: "/proc/\(processId)/statm", encoding: .utf8) else { return 0 }
    let fields = text.split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
  }

  func kill(for reason: String) {
    killedFor = reason
    Foundation.kill(processId, SIGKILL)
  }

  /// Waits for the process to end.
  ///
  /// - Returns: how it ended, in words.
  func reap() -> String {
    var status: Int32 = 0
    while waitpid(processId, &status, 0) < 0, errno == EINTR {}
    if let killedFor { return killedFor }
    let signal = status & 0x7f
    if signal != 0 { return "ended by signal \(signal) (\(String(cString: strsignal(signal))))" }
    return "exited with status \((status >> 8) & 0xff)"
  }

  private static func read(_ descriptor: Int32, into buffer: inout [UInt8]) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 16) { chunk in
      let count = Foundation.read(descriptor, chunk.baseAddress!, chunk.count)
      if count > 0 { buffer.append(contentsOf: chunk[..<count]) }
      return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)
    }
  }

  /// A pipe that no other child inherits.
  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Foundation.pipe(&ends) == 0 else {
      throw WorkerFailure(message: "could not make a pipe: \(String(cString: strerror(errno)))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}

/// A worker process could not be started or spoken to.
public struct WorkerFailure: Error, Sendable, CustomStringConvertible {
  public var message: String

  public var description: String { message }
}
