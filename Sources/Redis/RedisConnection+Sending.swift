internal import DequeModule
internal import Reactor
internal import Seams
internal import Synchronization

extension RedisConnection {
  /// Sends a call behind those under way. Runs on the caller's thread.
  ///
  /// - Returns: what ends at once.
  func begin(_ call: Call, _ bytes: [UInt8], deadline: MonotonicInstant) -> [Completion] {
    let left = deadline == .distantFuture ? Int64.max : deadline.nanoseconds &- clock.now.nanoseconds
    return state.withLock { state in
      func refuse(_ code: CacheError.Code, _ message: String) -> [Completion] {
        call.continuation.map { [Completion($0, .failure(CacheError(code, message: message)))] } ?? []
      }
      guard let socket = state.socket else { return refuse(.connectionClosed, state.closeReason) }
      guard !state.isLeft else {
        return refuse(.connectionClosed, "the connection waits for an answer that is overdue")
      }
      guard left > 0 else { return refuse(.deadlineExceeded, "the deadline had passed before the call") }
      var call = call
      if left != .max { call.deadline = Reactor.now &+ left }
      state.calls.append(call)
      arm(&state, call.deadline)
      return write(bytes, &state, socket)
    }
  }

  private func write(_ bytes: [UInt8], _ state: inout State, _ socket: RedisSocket) -> [Completion] {
    guard state.output.isEmpty else {
      state.output.append(contentsOf: bytes)
      return []
    }
    state.output = bytes
    state.outputStart = 0
    return flush(&state, socket)
  }

  /// Gives the socket what it takes; the reactor gives it the rest.
  func flush(_ state: inout State, _ socket: RedisSocket) -> [Completion] {
    while state.outputStart < state.output.count {
      let start = state.outputStart
      let progress = state.output.withUnsafeBytes { bytes in
        socket.send(UnsafeRawBufferPointer(rebasing: bytes[start...]))
      }
      switch progress {
      case .bytes(let count): state.outputStart += count
      case .wouldBlock:
        watch(&state, socket, writing: true)
        return []
      case .ended: return lose(&state, "the server closed the connection")
      case .failed(let code): return lose(&state, SocketFailure(errno: code).message)
      }
    }
    state.output.removeAll(keepingCapacity: state.output.capacity <= 64 * 1024)
    state.outputStart = 0
    watch(&state, socket, writing: false)
    return []
  }

  private func watch(_ state: inout State, _ socket: RedisSocket, writing: Bool) {
    guard writing != state.watchesWriting, let registration = state.registration else { return }
    state.watchesWriting = writing
    reactor.watch(registration, socket.descriptor, writing: writing)
  }

  /// Makes the reactor call at `deadline`, unless it calls before that anyway.
  func arm(_ state: inout State, _ deadline: Int64) {
    guard deadline < state.armedTimer, let registration = state.registration else { return }
    state.armedTimer = deadline
    reactor.setTimer(registration, at: deadline)
  }
}
