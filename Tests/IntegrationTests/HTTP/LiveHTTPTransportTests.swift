import HTTPLive
import HTTPTypes
import NIOCore
import Seams
import SeamsLive
import Testing

@Suite(.timeLimit(.minutes(1))) struct LiveHTTPTransportTests {
  private func send(
    to address: LiveHTTPServerAddress, path: String = "/", within time: Duration = .seconds(20)
  ) async throws -> HTTPResponseMessage {
    let clock = SystemMonotonicClock()
    let transport = LiveHTTPTransport(clock: clock)
    let request = HTTPRequestMessage(
      head: HTTPRequest(method: .get, scheme: "http", authority: "\(address)", path: path))
    let answer: Result<HTTPResponseMessage, any Error>
    do {
      answer = .success(try await transport.send(request, deadline: clock.now.advanced(by: time)))
    } catch {
      answer = .failure(error)
    }
    try await transport.shutdown()
    return try answer.get()
  }

  /// The code of the error that answering with `bytes` leads to.
  private func code(answering bytes: String) async throws -> HTTPTransportError.Code? {
    try await RawConnection.server(answering: bytes) { address in
      do {
        _ = try await send(to: address)
        return nil
      } catch let error as HTTPTransportError {
        return error.code
      }
    }
  }

  @Test(arguments: [
    "not http at all\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/9.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: some\r\n\r\n",
  ])
  func bytesThatAreNoResponseAreMalformed(_ bytes: String) async throws {
    #expect(try await code(answering: bytes) == .malformedResponse)
  }

  @Test func aBodyShorterThanItsDeclaredLengthIsMalformed() async throws {
    #expect(try await code(answering: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort") == .malformedResponse)
  }

  @Test func aConnectionClosedWithoutAnAnswerIsAReset() async throws {
    #expect(try await code(answering: "") == .connectionReset)
  }

  @Test func aRedirectIsAResultAndIsNotFollowed() async throws {
    let answer = try await RawConnection.server(
      answering: "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    ) { try await send(to: $0) }
    #expect(answer.head.status == .found)
  }

  @Test func aBodyThatStallsEndsAtTheDeadline() async throws {
    struct Stalling: HTTPHandler {
      func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
        var head = HTTPResponse(status: .ok)
        head.headerFields[.contentLength] = "10"
        return HTTPResponseMessage(head: head, body: .stream(HTTPBodyStream(Forever())))
      }
    }
    let server = LiveHTTPServer(handler: Stalling(), logger: .silent)
    await #expect {
      try await server.withRunningServer { address in
        _ = try await send(to: address, within: .milliseconds(100))
      }
    } throws: {
      ($0 as? HTTPTransportError)?.code == .deadlineExceeded
    }
  }

  /// A body whose first part never comes.
  private struct Forever: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    struct Iterator: AsyncIteratorProtocol {
      mutating func next() async throws -> ByteBuffer? {
        try await SystemMonotonicClock().sleep(until: .distantFuture, tolerance: nil)
        return nil
      }
    }

    func makeAsyncIterator() -> Iterator { Iterator() }
  }

  @Test func aDeadlineInThePastSendsNothing() async throws {
    let address = LiveHTTPServerAddress(host: "127.0.0.1", port: 9)
    await #expect {
      _ = try await send(to: address, within: .zero)
    } throws: {
      ($0 as? HTTPTransportError)?.code == .deadlineExceeded
    }
  }

  @Test func aCancelledTaskThrowsCancellation() async throws {
    let clock = SystemMonotonicClock()
    let server = LiveHTTPServer(handler: ConformanceHandler(clock: clock), logger: .silent)
    let thrown = try await server.withRunningServer { address in
      await withTaskGroup(of: (any Error)?.self) { group in
        group.addTask {
          do {
            _ = try await send(to: address, path: "/never")
            return nil
          } catch {
            return error
          }
        }
        group.cancelAll()
        return await group.next() ?? nil
      }
    }
    #expect(thrown is CancellationError)
  }
}
