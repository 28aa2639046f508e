internal import Reactor
internal import Seams

/// A connected socket and what reads its answers, while a helper thread still has them to itself.
struct RedisLink: Sendable {
  let socket: RedisSocket
  let reader: HiredisReader
  let alarm: AlarmDescriptor

  /// Sends commands and blocks the thread until all are answered.
  ///
  /// - Parameter limit: when to give up, of `Reactor.now`.
  func exchange(_ commands: [CacheCommand], _ limit: Int64) -> Result<[CacheReply], SocketFailure> {
    var output: [UInt8] = []
    for command in commands { RESPWriter.append(command, to: &output) }
    do {
      try send(output, limit)
      var replies: [CacheReply] = []
      while replies.count < commands.count {
        if let reply = try reader.next() {
          replies.append(reply)
        } else {
          try receive(limit)
        }
      }
      return .success(replies)
    } catch let failure as SocketFailure {
      return .failure(failure)
    } catch {
      return .failure(SocketFailure(message: (error as? CacheError)?.message ?? "\(error)"))
    }
  }

  private func send(_ output: [UInt8], _ limit: Int64) throws {
    var start = 0
    while start < output.count {
      switch output.withUnsafeBytes({ socket.send(UnsafeRawBufferPointer(rebasing: $0[start...])) }) {
      case .bytes(let count): start += count
      case .wouldBlock: try wait(writing: true, limit)
      case .ended: throw SocketFailure(message: "the server closed the connection")
      case .failed(let code): throw SocketFailure(errno: code)
      }
    }
  }

  private func receive(_ limit: Int64) throws {
    try wait(writing: false, limit)
    try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      switch socket.receive(into: buffer) {
      case .bytes(let count): try reader.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      case .wouldBlock: break
      case .ended: throw SocketFailure(message: "the server closed the connection")
      case .failed(let code): throw SocketFailure(errno: code)
      }
    }
  }

  private func wait(writing: Bool, _ limit: Int64) throws {
    switch alarm.wait(for: socket.descriptor, writing: writing, until: limit) {
    case .ready: break
    case .timedOut: throw SocketFailure(message: "no answer in time")
    case .rung: throw SocketFailure(message: "given up")
    }
  }
}
