internal import DequeModule
package import Reactor
internal import Seams
internal import Synchronization

extension RedisConnection: ReactorHandler {
  package func reactorDescriptorIsReady(_ reactor: Reactor) {
    finish(
      state.withLock { state in
        guard let socket = state.socket else { return [] }
        var completions: [Completion] = []
        if state.watchesWriting { completions += flush(&state, socket) }
        return completions + receive(&state, socket)
      })
  }

  /// Takes in what the socket holds, and hands out every answer that is complete.
  private func receive(_ state: inout State, _ socket: RedisSocket) -> [Completion] {
    var completions: [Completion] = []
    while state.socket != nil {
      let (end, count) = read(socket, state.reader)
      do {
        while let reply = try state.reader.next() {
          guard take(reply, &state, &completions) else {
            return completions + lose(&state, RedisConnection.unasked(reply))
          }
        }
      } catch {
        return completions + lose(&state, (error as? CacheError)?.message ?? "\(error)", .protocolViolated)
      }
      if let end { return completions + lose(&state, end) }
      // A buffer that was not filled has emptied the socket; what comes later is announced.
      if count < RedisConnection.bufferSize { break }
    }
    return completions + closeIfDone(&state)
  }

  private static let bufferSize = 32 * 1024

  /// Reads once: why the connection ended, if it did, and how many bytes came.
  private func read(_ socket: RedisSocket, _ reader: HiredisReader) -> (end: String?, count: Int) {
    withUnsafeTemporaryAllocation(byteCount: RedisConnection.bufferSize, alignment: 1) { buffer in
      switch socket.receive(into: buffer) {
      case .wouldBlock: return (nil, 0)
      case .ended: return ("the server closed the connection", 0)
      case .failed(let code): return (SocketFailure(errno: code).message, 0)
      case .bytes(let count):
        do {
          try reader.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          return (nil, count)
        } catch {
          return ((error as? CacheError)?.message ?? "\(error)", count)
        }
      }
    }
  }

  /// Gives a reply to the oldest call; `false` when there is none.
  private func take(_ reply: CacheReply, _ state: inout State, _ completions: inout [Completion]) -> Bool {
    guard !state.calls.isEmpty else { return false }
    state.calls[0].replies.append(reply)
    guard state.calls[0].replies.count == state.calls[0].expected else { return true }
    let call = state.calls.removeFirst()
    if let continuation = call.continuation { completions.append(Completion(continuation, .success(call.replies))) }
    return true
  }

  /// A server that has no place for a client says so and closes.
  private static func unasked(_ reply: CacheReply) -> String {
    if case .error(let error) = reply { error.message } else { "an answer that no command asked for" }
  }
}
