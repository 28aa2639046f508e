/// A call of a process through a seam that has not been answered yet.
///
/// The seam makes one, gives it to whatever will answer (a timer, a message's arrival), and awaits ``value()``. The
/// process keeps it in a list, so that a stuck run can say what each host waits for and a dead host can be reaped.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class PendingCall<Value: Sendable>: AnyPendingCall, @unchecked Sendable {
  private var result: Result<Value, any Error>?
  private var continuation: UnsafeContinuation<Value, any Error>?

  /// Whether the call has been answered.
  public var isEnded: Bool { result != nil }

  /// Answers the call. Later answers, and answers to a process that has crashed, are ignored.
  public func resume(returning value: Value) {
    end(.success(value))
  }

  /// Fails the call. Later answers, and answers to a process that has crashed, are ignored.
  public override func fail(_ error: any Error) {
    end(.failure(error))
  }

  /// Waits for the answer.
  ///
  /// - Throws: what the seam failed the call with; ``HostDead`` when the process has crashed and is being reaped;
  ///   `CancellationError` when the task is cancelled.
  public func value() async throws -> Value {
    if let result { return try result.get() }
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        if let result {
          continuation.resume(with: result)
        } else {
          self.continuation = continuation
        }
      }
    } onCancel: {
      self.fail(CancellationError())
    }
  }

  /// Fails a call that was made on a process that has already crashed.
  func refuse(_ error: HostDead) {
    result = .failure(error)
  }

  private func end(_ outcome: Result<Value, any Error>) {
    guard result == nil, !process.isSealed || process.isReaping else { return }
    result = outcome
    unlink()
    runEndAction()
    if let continuation {
      self.continuation = nil
      continuation.resume(with: outcome)
    }
  }
}

/// What every pending call shares: its place in the process's list and what to do when it ends.
public class AnyPendingCall {
  unowned let process: SimulatedProcess
  /// What the call waits for, for the report of a stuck run.
  public let label: StaticString
  fileprivate var previous: AnyPendingCall?
  fileprivate var next: AnyPendingCall?
  fileprivate var isLinked = false
  private var endAction: (() -> Void)?

  init(process: SimulatedProcess, label: StaticString) {
    self.process = process
    self.label = label
  }

  /// Sets what runs once when the call ends, however it ends: cancel its timers.
  public func onEnd(_ action: @escaping () -> Void) {
    endAction = action
  }

  /// Fails the call.
  public func fail(_ error: any Error) {}

  func runEndAction() {
    if let action = endAction {
      endAction = nil
      action()
    }
  }

  func unlink() {
    process.pending.remove(self)
  }
}

/// The pending calls of one process, oldest first.
struct PendingCallList {
  private var first: AnyPendingCall?
  private var last: AnyPendingCall?
  private(set) var count = 0

  mutating func append(_ call: AnyPendingCall) {
    call.isLinked = true
    call.previous = last
    if let last { last.next = call } else { first = call }
    last = call
    count += 1
  }

  mutating func remove(_ call: AnyPendingCall) {
    guard call.isLinked else { return }
    call.isLinked = false
    if let previous = call.previous { previous.next = call.next } else { first = call.next }
    if let next = call.next { next.previous = call.previous } else { last = call.previous }
    call.previous = nil
    call.next = nil
    count -= 1
  }

  var oldest: AnyPendingCall? { first }

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

  public var description: String { "host \(host) is dead" }
}
