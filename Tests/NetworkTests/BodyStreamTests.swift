import HTTPTypes
import NIOCore
import Seams
import SimulatedNetwork
import SimulationKernel
import Testing

@Suite struct BodyStreamTests {
  /// Counts how far a producer ran ahead of its reader. `@unchecked Sendable`: used on the kernel's thread alone.
  private final class Parts: AsyncSequence, AsyncIteratorProtocol, @unchecked Sendable {
    typealias Element = ByteBuffer
    var produced = 0
    let total: Int

    init(total: Int) { self.total = total }

    func makeAsyncIterator() -> Parts { self }

    func next() async throws -> ByteBuffer? {
      guard produced < total else { return nil }
      produced += 1
      return ByteBuffer(string: "part \(produced);")
    }
  }

  private struct Streaming: HTTPHandler {
    let parts: Parts
    let received: Parts?

    func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
      if received != nil {
        let body = try? await request.body.collect(upTo: 1_000_000)
        return HTTPResponseMessage(head: HTTPResponse(status: .ok), body: .bytes(body ?? ByteBuffer()))
      }
      return HTTPResponseMessage(head: HTTPResponse(status: .ok), body: .stream(HTTPBodyStream(parts)))
    }
  }

  @Test func theReadersPaceIsTheSenders() throws {
    let kernel = SimulationKernel(seed: 1)
    let network = Network(kernel: kernel)
    let parts = Parts(total: 100)
    kernel.host("server").boot { network.listen($0, port: 80, handler: Streaming(parts: parts, received: nil)) }
    let outcome = kernel.run { process in
      let transport = SimulatedHTTPTransport(process: process, network: network)
      let request = HTTPRequestMessage(
        head: HTTPRequest(method: .get, scheme: "http", authority: "server:80", path: "/"))
      let response = try await transport.send(request, deadline: process.clock.now.advanced(by: .seconds(600)))
      guard case .stream(let stream) = response.body else {
        Issue.record("the body is no stream")
        return
      }
      var read = 0
      for try await _ in stream {
        read += 1
        try await process.clock.sleep(for: .seconds(1))
        #expect(parts.produced == read)
      }
      #expect(read == 100)
    }
    #expect(outcome == .finished)
    #expect(kernel.reap().isEmpty)
  }

  @Test func aRequestBodyStreamsToTheServer() throws {
    let kernel = SimulationKernel(seed: 1)
    let network = Network(kernel: kernel)
    let parts = Parts(total: 3)
    kernel.host("server").boot { network.listen($0, port: 80, handler: Streaming(parts: parts, received: parts)) }
    let outcome = kernel.run { process in
      let transport = SimulatedHTTPTransport(process: process, network: network)
      let request = HTTPRequestMessage(
        head: HTTPRequest(method: .post, scheme: "http", authority: "server:80", path: "/"),
        body: .stream(HTTPBodyStream(parts)))
      let response = try await transport.send(request, deadline: process.clock.now.advanced(by: .seconds(5)))
      #expect(String(buffer: try await response.body.collect(upTo: 1000)) == "part 1;part 2;part 3;")
    }
    #expect(outcome == .finished)
    #expect(kernel.reap().isEmpty)
  }

  @Test func aSenderThatCrashesInMidBodyBreaksTheStream() throws {
    let kernel = SimulationKernel(seed: 1)
    let network = Network(kernel: kernel)
    let server = kernel.host("server")
    server.boot { network.listen($0, port: 80, handler: Streaming(parts: Parts(total: 1000), received: nil)) }
    let outcome = kernel.run { process in
      let transport = SimulatedHTTPTransport(process: process, network: network)
      let request = HTTPRequestMessage(
        head: HTTPRequest(method: .get, scheme: "http", authority: "server:80", path: "/"))
      let response = try await transport.send(request, deadline: process.clock.now.advanced(by: .seconds(5)))
      server.crash()
      _ = try await response.body.collect(upTo: 1_000_000)
    }
    #expect(outcome == .driverFailed("connection_reset: the sender crashed in mid-body"))
    #expect(kernel.reap().isEmpty)
  }
}
