import DequeModule
public import Seams
import SimulatedNetwork
import SimulationKernel

/// A client's end of a connection to a ``SimulatedRedisServer``.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedRedisConnection: CacheConnection, @unchecked Sendable {
  private struct Call {
    var number: Int
    var call: PendingCall<[CacheReply]>
    var writes: Bool
    var timer: TimerToken?
  }

  let process: SimulatedProcess
  private let server: SimulatedRedisServer
  private var peer: RedisPeer?
  /// What was sent and is not answered, oldest first.
  private var calls: Deque<Call> = []
  private var lastNumber = 0
  private var lastAnswered = 0
  /// Answers that have overtaken an earlier one.
  private var early: [Int: [CacheReply]] = [:]
  /// Whether a call was not answered in time: no more are taken.
  private var isLeft = false
  private var closeReason = "the connection is not open yet"

  init(server: SimulatedRedisServer, process: SimulatedProcess) {
    self.server = server
    self.process = process
  }

  func opened(_ peer: RedisPeer) {
    guard closeReason != SimulatedRedisConnection.lostReason else { return }
    self.peer = peer
    process.onSeal { [weak self] in self?.close() }
  }

  public var isClosed: Bool { peer == nil || isLeft }

  public func send(_ commands: [CacheCommand], deadline: MonotonicInstant) async throws -> [CacheReply] {
    try process.checkAlive()
    try Task.checkCancellation()
    if commands.isEmpty { return [] }
    if let command = commands.first(where: { $0.scope == .driver }) {
      throw CacheError(.refused, message: "\(command.name) is the driver's to send")
    }
    guard let peer else { throw CacheError(.connectionClosed, message: closeReason) }
    guard !isLeft else {
      throw CacheError(.connectionClosed, message: "the connection waits for an answer that is overdue")
    }
    guard deadline == .distantFuture || process.clock.now < deadline else {
      throw CacheError(.deadlineExceeded, message: "the deadline had passed before the call")
    }
    lastNumber += 1
    let (number, kernel) = (lastNumber, process.host.kernel)
    let pending = process.pendingCall("Redis's answer", as: [CacheReply].self)
    var call = Call(number: number, call: pending, writes: commands.contains { !$0.isReadOnly })
    if deadline != .distantFuture {
      call.timer = kernel.schedule(at: max(kernel.now, process.host.globalInstant(ofLocal: deadline))) { [weak self] in
        self?.expire(number)
      }
    }
    calls.append(call)
    let bytes = commands.reduce(0) { sum, command in (0..<command.count).reduce(sum) { $0 + command[$1].count + 8 } }
    server.network.send(from: process.host, to: server.host, bytes: bytes) { peer.receive(number, commands) }
    // A task that is cancelled waits no longer; its answer is dropped when it comes.
    return try await pending.value()
  }

  public func close() {
    end(because: "the connection was closed by this program") { call in
      CacheError(
        .connectionClosed, message: "the connection was closed while the command was under way",
        mayHaveTakenEffect: call.writes)
    }
  }

  // MARK: What arrives from the network

  func receive(_ number: Int, _ replies: [CacheReply]) {
    guard peer != nil else { return }
    early[number] = replies
    while let next = early.removeValue(forKey: lastAnswered + 1), let call = calls.popFirst() {
      lastAnswered += 1
      if let timer = call.timer { process.host.kernel.cancel(timer) }
      call.call.resume(returning: next)
    }
    closeIfDone()
  }

  /// The connection broke.
  func reset() {
    guard peer != nil else {
      closeReason = SimulatedRedisConnection.lostReason
      return
    }
    end(because: SimulatedRedisConnection.lostReason) { call in
      CacheError(.connectionLost, message: "the server closed the connection", mayHaveTakenEffect: call.writes)
    }
  }

  private static let lostReason = "the connection was lost: the server closed the connection"

  // MARK: Ending

  private func expire(_ number: Int) {
    guard let index = calls.firstIndex(where: { $0.number == number }) else { return }
    isLeft = true
    calls[index].timer = nil
    calls[index].call.fail(
      CacheError(
        .deadlineExceeded, message: "no answer from Redis before the deadline",
        mayHaveTakenEffect: calls[index].writes))
    closeIfDone()
  }

  /// Closes a connection that was left, once nobody waits for anything on it.
  private func closeIfDone() {
    guard isLeft, !calls.contains(where: { !$0.call.isEnded }) else { return }
    end(because: "the connection was closed because a command was not answered in time") { _ in CancellationError() }
  }

  private func end(because reason: String, _ error: (Call) -> any Error) {
    guard let peer else { return }
    self.peer = nil
    closeReason = reason
    let lost = calls
    calls = []
    let (kernel, keepAlive) = (process.host.kernel, server.options.keepAlive)
    for call in lost {
      if let timer = call.timer { kernel.cancel(timer) }
      call.call.fail(error(call))
    }
    // When no word gets through, the server notices after its keep-alive time.
    server.network.send(
      from: process.host, to: server.host, bytes: 40,
      onDropped: { kernel.schedule(after: keepAlive) { peer.hangUp() } }, deliver: { peer.hangUp() })
  }
}
