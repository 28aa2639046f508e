internal import NIOCore
internal import Seams
internal import SimulationKernel

/// A body that one process streams and another reads: each part crosses the network when the reader asks for it, so
/// the reader's pace is the sender's.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class RemoteBody: AsyncSequence, @unchecked Sendable {
  typealias Element = ByteBuffer

  private var source: HTTPBodyStream.AsyncIterator
  private let sender: SimulatedProcess
  private let reader: SimulatedProcess
  private let deadline: MonotonicInstant
  private let network: Network

  private init(
    _ source: HTTPBodyStream, from sender: SimulatedProcess, into reader: SimulatedProcess,
    deadline: MonotonicInstant, network: Network
  ) {
    self.source = source.makeAsyncIterator()
    self.sender = sender
    self.reader = reader
    self.deadline = deadline
    self.network = network
  }

  /// The stream that `reader` sees of what `sender` produces, until `deadline` of virtual time.
  static func stream(
    _ source: HTTPBodyStream, from sender: SimulatedProcess, into reader: SimulatedProcess,
    deadline: MonotonicInstant, network: Network
  ) -> HTTPBodyStream {
    HTTPBodyStream(RemoteBody(source, from: sender, into: reader, deadline: deadline, network: network))
  }

  func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  struct Iterator: AsyncIteratorProtocol {
    let body: RemoteBody

    mutating func next() async throws -> ByteBuffer? {
      try await body.pull()
    }
  }

  private func pull() async throws -> ByteBuffer? {
    let call = reader.pendingCall("a part of an HTTP body", as: ByteBuffer?.self)
    call.expire(at: deadline, with: HTTPTransportError(.deadlineExceeded, "the body did not end in time"))
    network.send(from: reader.host, to: sender.host, bytes: 40) { self.produce(for: call) }
    return try await call.value()
  }

  private func produce(for call: PendingCall<ByteBuffer?>) {
    guard !sender.isSealed else {
      network.send(from: sender.host, to: reader.host, bytes: 40) {
        call.fail(HTTPTransportError(.connectionReset, "the sender crashed in mid-body"))
      }
      return
    }
    sender.spawn("http body") { [self] in
      let part: Result<ByteBuffer?, any Error>
      do {
        part = .success(try await source.next())
      } catch {
        part = .failure(HTTPTransportError(.connectionReset, "the sender failed in mid-body", cause: error))
      }
      let bytes = (try? part.get())?.readableBytes ?? 0
      network.send(from: sender.host, to: reader.host, bytes: 40 + bytes) {
        switch part {
        case .success(let buffer): call.resume(returning: buffer)
        case .failure(let error): call.fail(error)
        }
      }
    }
  }
}
