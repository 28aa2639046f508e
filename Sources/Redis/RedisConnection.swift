internal import DequeModule
internal import Reactor
public import Seams
internal import Synchronization

/// A connection to Redis whose answers hiredis reads.
///
/// Commands go out from the caller's thread; the answers are read on the reactor's thread as they arrive, and belong to
/// the calls in the order in which these were sent. Nothing here blocks.
///
/// A call that is not answered by its deadline fails, and the connection is *left*: its server may hang for long, so it
/// takes no more commands. Calls that are under way on it keep their chance until their own deadlines; then it closes.
public final class RedisConnection: CacheConnection {
  typealias Continuation = UnsafeContinuation<[CacheReply], any Error>

  let state: Mutex<State>
  let reactor: Reactor
  let clock: any MonotonicClock

  /// Takes over a connection that is signed in and has nothing under way.
  init(_ link: RedisLink, reactor: Reactor, clock: any MonotonicClock) {
    self.reactor = reactor
    self.clock = clock
    state = Mutex(State(socket: link.socket, reader: link.reader))
    state.withLock { $0.registration = reactor.register(link.socket.descriptor, handler: self) }
  }

  deinit {
    state.withLock { state in
      if let socket = state.socket, let registration = state.registration {
        reactor.deregister(registration, socket.descriptor)
      }
    }
  }

  public var isClosed: Bool { state.withLock { $0.socket == nil || $0.isLeft } }

  public func send(_ commands: [CacheCommand], deadline: MonotonicInstant) async throws -> [CacheReply] {
    try Task.checkCancellation()
    if commands.isEmpty { return [] }
    if let command = commands.first(where: { $0.scope == .driver }) {
      throw CacheError(.refused, message: "\(command.name) is the driver's to send")
    }
    var output: [UInt8] = []
    for command in commands { RESPWriter.append(command, to: &output) }
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    let (bytes, writes) = (output, commands.contains { !$0.isReadOnly })
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        let call = Call(number: number, continuation: continuation, expected: commands.count, writes: writes)
        finish(begin(call, bytes, deadline: deadline))
        // A cancellation that came before there was a call to cancel has found nothing to do.
        if Task.isCancelled { cancel(number) }
      }
    } onCancel: {
      cancel(number)
    }
  }

  public func close() {
    finish(
      state.withLock { state in
        end(&state, because: "the connection was closed by this program") { call in
          CacheError(
            .connectionClosed, message: "the connection was closed while the command was under way",
            mayHaveTakenEffect: call.writes)
        }
      })
  }

  /// Resumes continuations, outside the lock.
  func finish(_ completions: [Completion]) {
    for completion in completions { completion.continuation.resume(with: completion.result) }
  }
}

extension RedisConnection {
  /// Everything that changes; guarded by the connection's lock.
  struct State {
    /// `nil` once the connection is closed.
    var socket: RedisSocket?
    let reader: HiredisReader
    var registration: Reactor.Registration?
    /// Bytes that the socket did not take yet, from `outputStart`.
    var output: [UInt8] = []
    var outputStart = 0
    var watchesWriting = false
    /// What was sent and is not answered, oldest first.
    var calls: Deque<Call> = []
    var lastNumber: UInt64 = 0
    /// Whether a call was not answered in time: no more are taken.
    var isLeft = false
    /// When the reactor will call; never after the earliest deadline of ``calls``.
    var armedTimer = Int64.max
    /// Why the connection is closed.
    var closeReason = ""

    init(socket: RedisSocket, reader: HiredisReader) {
      self.socket = socket
      self.reader = reader
    }
  }

  /// Commands that were sent as one unit.
  struct Call {
    var number: UInt64
    /// `nil` once nobody waits for the answers; they still come, and are dropped.
    var continuation: Continuation?
    var expected: Int
    var writes: Bool
    /// On the reactor's time line.
    var deadline = Int64.max
    var replies: [CacheReply] = []
  }

  /// A continuation and what it gets.
  struct Completion {
    var continuation: Continuation
    var result: Result<[CacheReply], any Error>

    init(_ continuation: Continuation, _ result: Result<[CacheReply], any Error>) {
      self.continuation = continuation
      self.result = result
    }
  }
}
