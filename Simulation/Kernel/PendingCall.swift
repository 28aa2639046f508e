public import Seams

/// A call of a process through a seam that has not been answered yet, without its value.
///
/// The seam makes one, gives it to whatever will end it (a timer, a message's arrival), and awaits it. The process keeps
/// it in a list, so that a stuck run can say what each host waits for and a dead host can be reaped.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public class PendingWait: @unchecked Sendable {
  unowned(unsafe) let process: SimulatedProcess
  /// What the call waits for, for the report of a stuck run.
  public let label: StaticString
  @exclusivity(unchecked) fileprivate var previous: PendingWait?
  @exclusivity(unchecked) fileprivate var next: PendingWait?
  @exclusivity(unchecked) fileprivate var isLinked = false
  /// Whether the call has been answered.
  @exclusivity(unchecked) public private(set) final var isEnded = false
  @exclusivity(unchecked) private var error: (any Error)?
  @exclusivity(unchecked) private var continuation: UnsafeContinuation<Void, Never>?
  @exclusivity(unchecked) private var timer: TimerToken?

  @usableFromInline
  init(_ process: SimulatedProcess, _ label: StaticString) {
    self.process = process
    self.label = label
    if process.isSealed {
      isEnded = true
      error = HostDead(host: process.host.name)
    } else {
      process.pending.append(self)
    }
  }

  /// Fails the call with `error` at `instant` of virtual time, unless it has ended before.
  public final func expire(at instant: MonotonicInstant, with error: @autoclosure @escaping () -> any Error) {
    guard !isEnded, instant != .distantFuture else { return }
    timer = process.host.kernel.schedule(at: instant) { [unowned(unsafe) self] in
      timer = nil
      finish(error())
    }
  }

  /// Ends the wait. Later answers, and answers to a process that has crashed, are ignored.
  public final func resume() {
    finish(nil)
  }

  /// Fails the call. Later answers, and answers to a process that has crashed, are ignored.
  public final func fail(_ error: any Error) {
    finish(error)
  }

  /// Waits for the end.
  ///
  /// - Throws: what the seam failed the call with; ``HostDead`` when the process has crashed and is being reaped;
  ///   `CancellationError` when the task is cancelled.
  public final func wait() async throws {
    if !isEnded {
      await withTaskCancellationHandler {
        await withUnsafeContinuation { continuation in
          if isEnded { continuation.resume() } else { self.continuation = continuation }
        }
      } onCancel: {
        self.finish(CancellationError())
      }
    }
    if let error { throw error }
  }

  /// Whether an answer would still be taken: the call is open and its process alive (or being unwound).
  @usableFromInline
  final var accepts: Bool { !isEnded && (!process.isSealed || process.isReaping) }

  private func finish(_ error: (any Error)?) {
    guard accepts else { return }
    isEnded = true
    self.error = error
    process.pending.remove(self)
    if let timer {
      self.timer = nil
      process.host.kernel.cancel(timer)
    }
    if let continuation {
      self.continuation = nil
      continuation.resume()
    }
  }
}

/// A ``PendingWait`` that ends with a value.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class PendingCall<Value: Sendable>: PendingWait, @unchecked Sendable {
  @usableFromInline var result: Value?

  @inlinable
  override init(_ process: SimulatedProcess, _ label: StaticString) {
    super.init(process, label)
  }

  /// Answers the call. Later answers, and answers to a process that has crashed, are ignored.
  @inlinable
  public func resume(returning value: Value) {
    guard accepts else { return }
    result = value
    resume()
  }

  /// Waits for the answer.
  ///
  /// - Throws: as ``PendingWait/wait()``.
  @inlinable
  public func value() async throws -> Value {
    try await wait()
    guard let result else { preconditionFailure("the call \(label) ended without a value: resume it with one") }
    return result
  }
}

/// The pending calls of one process, oldest first.
struct PendingCallList {
  private var first: PendingWait?
  private var last: PendingWait?
  private(set) var count = 0

  mutating func append(_ call: PendingWait) {
    call.isLinked = true
    call.previous = last
    if let last { last.next = call } else { first = call }
    last = call
    count += 1
  }

  mutating func remove(_ call: PendingWait) {
    guard call.isLinked else { return }
    call.isLinked = false
    if let previous = call.previous { previous.next = call.next } else { first = call.next }
    if let next = call.next { next.previous = call.previous } else { last = call.previous }
    call.previous = nil
    call.next = nil
    count -= 1
  }

  var oldest: PendingWait? { first }

  /// The labels with how many calls wait for each, in order of first appearance.
  var summary: [(label: String, count: Int)] {
    var order: [(label: String, count: Int)] = []
    var call = first
    while let current = call {
      let label = current.label.description
      if let index = order.firstIndex(where: { $0.label == label }) {
        order[index].count += 1
      } else {
        order.append((label, 1))
      }
      call = current.next
    }
    return order
  }
}

/// Thrown by every seam call of a process that has crashed, while it is reaped: nothing catches it usefully, it only
/// unwinds.
public struct HostDead: Error, Sendable, Hashable, CustomStringConvertible {
  /// The host that crashed.
  public var host: String

  /// Which host it was.
  public var description: String { "host \(host) is dead" }
}
