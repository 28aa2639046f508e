import Foundation
import Glibc
import Histogram

/// An HTTP/1.1 client on one thread. It costs so little that the server, not the client, is measured.
struct KeepAliveClient {
  /// What came of a run.
  struct Outcome {
    /// Answers with the status that was asked for.
    var succeeded = 0
    /// Other answers, by status.
    var refused: [Int: Int] = [:]
    /// From the send of a request to the last byte of its answer, in microseconds; of the answers that succeeded.
    var latency = Histogram<UInt32>(highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .two)
    /// How long the run took, in seconds.
    var seconds = 0.0

    var rate: Double { Double(succeeded) / seconds }

    /// The latency that `percentile` (0 ... 100) of the successful requests stayed within, in milliseconds.
    func milliseconds(atPercentile percentile: Double) -> Double {
      Double(latency.valueAtPercentile(percentile)) / 1000
    }
  }

  /// Why a run ended early.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private struct Connection {
    var descriptor: Int32
    var received: [UInt8] = []
    /// From when on its request's time counts.
    var sentAt: UInt64 = 0
  }

  let port: UInt16
  let connections: Int
  /// The status of an answer that succeeded.
  var status = 200

  /// Sends requests for `duration` seconds to 127.0.0.1 in a closed loop: every connection sends its next request as soon
  /// as it has read the answer to the one before.
  ///
  /// - Parameter request: appends the next request, head and body, to the buffer.
  /// - Throws: ``Failure`` when a connection cannot be opened or breaks.
  func run(seconds duration: Double, request: (inout [UInt8]) -> Void) throws -> Outcome {
    try withConnections { open, outcome in
      var buffer: [UInt8] = []
      let end = now() + UInt64(duration * 1e9)
      for index in open.indices { try send(&open[index], &buffer, from: now(), request) }
      var waiting = open.count
      while waiting > 0 {
        for index in try answered(&open, &outcome, waitingUntil: now() + Self.patience) {
          let moment = now()
          if moment < end { try send(&open[index], &buffer, from: moment, request) } else { waiting -= 1 }
        }
      }
    }
  }

  /// Sends requests for `duration` seconds to 127.0.0.1 in an open loop: at random moments, `rate` a second on average
  /// (Poisson arrivals), however long the answers take.
  ///
  /// Latency counts from the moment at which a request was due: where it has to wait for a free connection, the wait
  /// counts.
  ///
  /// - Parameter request: appends the next request, head and body, to the buffer.
  /// - Throws: ``Failure`` when a connection cannot be opened or breaks.
  func run(seconds duration: Double, rate: Double, request: (inout [UInt8]) -> Void) throws -> Outcome {
    try withConnections { open, outcome in
      var buffer: [UInt8] = []
      var idle = Array(open.indices)
      var due: ArraySlice<UInt64> = []
      var generator = SystemRandomNumberGenerator()
      func pause() -> UInt64 { UInt64(-log(1 - Double.random(in: 0..<1, using: &generator)) / rate * 1e9) }
      let end = now() + UInt64(duration * 1e9)
      var next = now() + pause()
      while next < end || !due.isEmpty || idle.count < open.count {
        let moment = now()
        while next < end, next <= moment {
          due.append(next)
          next += pause()
        }
        while !due.isEmpty, let index = idle.popLast() {
          try send(&open[index], &buffer, from: due.removeFirst(), request)
        }
        let isAnswerAwaited = next >= end || !due.isEmpty
        if isAnswerAwaited, idle.count == open.count { continue }
        let wake = isAnswerAwaited ? moment + Self.patience : next
        idle += try answered(&open, &outcome, waitingUntil: wake, isLate: isAnswerAwaited)
      }
    }
  }

  /// How long the client waits for any answer.
  private static let patience: UInt64 = 10_000_000_000

  private func withConnections(_ body: (inout [Connection], inout Outcome) throws -> Void) throws -> Outcome {
    var open: [Connection] = []
    defer { for connection in open { close(connection.descriptor) } }
    for _ in 0..<connections { open.append(Connection(descriptor: try connect())) }
    var outcome = Outcome()
    let started = now()
    try body(&open, &outcome)
    outcome.seconds = Double(now() - started) / 1e9
    return outcome
  }

  /// Waits for answers.
  ///
  /// - Parameter isLate: whether it is a failure when none comes until `wake`.
  /// - Returns: the connections whose answers have come.
  private func answered(
    _ open: inout [Connection], _ outcome: inout Outcome, waitingUntil wake: UInt64, isLate: Bool = true
  ) throws -> [Int] {
    var watched = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    let moment = now()
    // Whole milliseconds, rounded up: a request may leave a millisecond late, which its latency shows.
    let left = wake > moment ? (wake - moment + 999_999) / 1_000_000 : 0
    let count = poll(&watched, nfds_t(watched.count), Int32(left))
    guard count > 0 || count == 0 && !isLate else {
      throw count == 0 ? Failure(description: "no answer within 10 s") : failure("poll")
    }
    var answered: [Int] = []
    for index in watched.indices where watched[index].revents != 0 {
      guard let status = try receive(&open[index]) else { continue }
      if status == self.status {
        outcome.succeeded += 1
        outcome.latency.record((now() - open[index].sentAt) / 1000)
      } else {
        outcome.refused[status, default: 0] += 1
      }
      answered.append(index)
    }
    return answered
  }

  private func connect() throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw failure("socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw failure("connect to port \(port)")
    }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    return descriptor
  }

  private func send(
    _ connection: inout Connection, _ buffer: inout [UInt8], from moment: UInt64, _ request: (inout [UInt8]) -> Void
  ) throws {
    buffer.removeAll(keepingCapacity: true)
    request(&buffer)
    connection.sentAt = moment
    var offset = 0
    while offset < buffer.count {
      let sent = buffer.withUnsafeBytes {
        Glibc.send(connection.descriptor, $0.baseAddress! + offset, $0.count - offset, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw failure("send") }
      offset += sent
    }
  }

  /// Reads what has arrived.
  ///
  /// - Returns: the status of a whole answer; `nil` when more is to come.
  private func receive(_ connection: inout Connection) throws -> Int? {
    let received = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { chunk -> Int in
      let count = recv(connection.descriptor, chunk.baseAddress, chunk.count, 0)
      if count > 0 { connection.received.append(contentsOf: chunk[..<count]) }
      return count
    }
    guard received > 0 else {
      throw received == 0 ? Failure(description: "the server closed a connection") : failure("recv")
    }
    guard let head = HTTPAnswerHead(connection.received) else { return nil }
    guard connection.received.count >= head.length + head.bodyLength else { return nil }
    connection.received.removeAll(keepingCapacity: true)
    return head.status
  }

  private func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private func failure(_ what: String) -> Failure {
    Failure(description: "\(what): \(String(cString: strerror(errno)))")
  }
}

/// The head of an answer, as far as a load client needs it.
struct HTTPAnswerHead {
  let status: Int
  /// Bytes up to and including the empty line.
  let length: Int
  let bodyLength: Int

  /// `nil` until the whole head is there.
  init?(_ bytes: [UInt8]) {
    guard bytes.count > 12 else { return nil }
    var end = 12
    var contentLength = 0
    var lineStart = 0
    while true {
      guard let newline = bytes[end...].firstIndex(of: 10) else { return nil }
      if newline - lineStart <= 1 {
        end = newline + 1
        break
      }
      contentLength = Self.contentLength(bytes[lineStart..<newline]) ?? contentLength
      lineStart = newline + 1
      end = lineStart
    }
    status = bytes[9..<12].reduce(0) { $0 * 10 + Int($1) - 48 }
    length = end
    bodyLength = contentLength
  }

  private static func contentLength(_ line: ArraySlice<UInt8>) -> Int? {
    let name = Array("content-length:".utf8)
    guard line.count > name.count, zip(line, name).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) else { return nil }
    return line.dropFirst(name.count).reduce(0) { (48...57).contains($1) ? $0 * 10 + Int($1) - 48 : $0 }
  }
}
