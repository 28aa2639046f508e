import HTTPLive
import HTTPTypes
import Logging
import NIOCore
import Seams
import SeamsLive
import SimulatedNetwork
import SimulationKernel
import Testing

/// A behaviour that both sides of the HTTP seam must show: what is observed is compared with what is expected, live
/// over sockets and in the simulation.
struct HTTPConformanceCase: Sendable, CustomTestStringConvertible {
  /// What a case has to work with.
  struct Situation: Sendable {
    let transport: any HTTPTransport
    let clock: any MonotonicClock
    let authority: String

    func request(
      _ path: String, method: HTTPRequest.Method = .get, fields: HTTPFields = [:], body: HTTPBody = .empty
    ) -> HTTPRequestMessage {
      HTTPRequestMessage(
        head: HTTPRequest(
          method: method, scheme: "http", authority: authority, path: path, headerFields: fields), body: body)
    }

    func send(_ request: HTTPRequestMessage, within time: Duration = .seconds(20)) async throws -> HTTPResponseMessage {
      try await transport.send(request, deadline: clock.now.advanced(by: time))
    }
  }

  let name: String
  let expected: [String]
  let observe: @Sendable (Situation) async throws -> [String]

  var testDescription: String { name }

  /// What a case observes, or the code of the transport's error.
  func observation(_ situation: Situation) async -> [String] {
    do {
      return try await observe(situation)
    } catch let error as HTTPTransportError {
      return ["\(error.code)", "\(error.disposition)"]
    } catch {
      return ["unexpected error: \(error)"]
    }
  }
}

/// What the cases talk to: it echoes, answers any status, streams, or never answers.
struct ConformanceHandler: HTTPHandler {
  let clock: any MonotonicClock

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    let path = request.head.path ?? ""
    switch path {
    case "/echo":
      let body = (try? await request.body.collect(upTo: 10_000_000)) ?? ByteBuffer(string: "cut off")
      var head = HTTPResponse(status: .ok)
      if let field = HTTPField.Name("X-Case") {
        head.headerFields[values: field] = request.head.headerFields[values: field]
      }
      return HTTPResponseMessage(head: head, body: .bytes(body))
    case "/small":
      do {
        let body = try await request.body.collect(upTo: 1000)
        return HTTPResponseMessage(head: HTTPResponse(status: .ok), body: .bytes(body))
      } catch {
        return HTTPResponseMessage(head: HTTPResponse(status: .contentTooLarge))
      }
    case "/stream":
      return HTTPResponseMessage(
        head: HTTPResponse(status: .ok), body: .stream(HTTPBodyStream(CountingParts(count: 50))))
    case "/broken-stream":
      let parts = CountingParts(count: 50, failsAt: 20)
      return HTTPResponseMessage(head: HTTPResponse(status: .ok), body: .stream(HTTPBodyStream(parts)))
    case "/never":
      try? await clock.sleep(for: .seconds(3600))
      return HTTPResponseMessage(head: HTTPResponse(status: .ok))
    default:
      let status = path.split(separator: "/").last.flatMap { Int($0) } ?? 404
      let body = status == 204 ? ByteBuffer() : ByteBuffer(string: "status \(status)")
      return HTTPResponseMessage(head: HTTPResponse(status: .init(code: status)), body: .bytes(body))
    }
  }
}

/// `count` parts of 1000 bytes, all of them the letter of their number; fails before part `failsAt`.
struct CountingParts: AsyncSequence, Sendable {
  typealias Element = ByteBuffer
  var count: Int
  var failsAt: Int?

  struct Broken: Error {}

  struct Iterator: AsyncIteratorProtocol {
    let parts: CountingParts
    var next = 0

    mutating func next() async throws -> ByteBuffer? {
      if next == parts.failsAt { throw Broken() }
      guard next < parts.count else { return nil }
      defer { next += 1 }
      return ByteBuffer(repeating: UInt8(ascii: "a") + UInt8(next % 26), count: 1000)
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(parts: self) }
}

extension HTTPConformanceCase {
  static let all: [HTTPConformanceCase] = [
    HTTPConformanceCase(name: "a body and repeated header fields arrive", expected: ["200", "one", "two", "hello"]) {
      let name = try #require(HTTPField.Name("X-Case"))
      var fields = HTTPFields()
      fields[values: name] = ["one", "two"]
      let answer = try await $0.send(
        $0.request("/echo", method: .post, fields: fields, body: .bytes(ByteBuffer(string: "hello"))))
      let body = try await answer.body.collect(upTo: 100)
      return ["\(answer.head.status.code)"] + answer.head.headerFields[values: name] + [String(buffer: body)]
    },
    HTTPConformanceCase(
      name: "any status is a result",
      expected: ["204:", "302:status 302", "404:status 404", "409:status 409", "503:status 503"]
    ) { situation in
      var seen: [String] = []
      for status in [204, 302, 404, 409, 503] {
        let answer = try await situation.send(situation.request("/status/\(status)"))
        let body = try await answer.body.collect(upTo: 100)
        seen.append("\(answer.head.status.code):\(String(buffer: body))")
      }
      return seen
    },
    HTTPConformanceCase(name: "a streamed request body arrives whole", expected: ["50000", "a", "x"]) {
      let body = HTTPBody.stream(HTTPBodyStream(CountingParts(count: 50)))
      let answer = try await $0.send($0.request("/echo", method: .post, body: body))
      let text = String(buffer: try await answer.body.collect(upTo: 100_000))
      return ["\(text.count)", text.first.map(String.init) ?? "", text.last.map(String.init) ?? ""]
    },
    HTTPConformanceCase(name: "a streamed response body arrives whole", expected: ["50000", "x"]) {
      let answer = try await $0.send($0.request("/stream"))
      let text = String(buffer: try await answer.body.collect(upTo: 100_000))
      return ["\(text.count)", text.last.map(String.init) ?? ""]
    },
    HTTPConformanceCase(name: "a reader refuses a body over its limit", expected: ["413", "413", "200"]) {
      let stream = HTTPBody.stream(HTTPBodyStream(CountingParts(count: 200)))
      let whole = HTTPBody.bytes(ByteBuffer(repeating: 0x61, count: 200_000))
      let small = HTTPBody.bytes(ByteBuffer(repeating: 0x61, count: 1000))
      var seen: [String] = []
      for body in [stream, whole, small] {
        let answer = try await $0.send($0.request("/small", method: .post, body: body))
        seen.append("\(answer.head.status.code)")
      }
      return seen
    },
    HTTPConformanceCase(
      name: "a refused connection says that nothing happened", expected: ["connection_refused", "retryable"]
    ) {
      var request = $0.request("/echo")
      // Nobody listens on the discard port, on neither side.
      request.head.authority = $0.authority.split(separator: ":")[0] + ":9"
      _ = try await $0.send(request)
      return ["answered"]
    },
    HTTPConformanceCase(name: "an unknown host is refused", expected: ["connection_refused", "retryable"]) {
      var request = $0.request("/echo")
      request.head.authority = "no-such-host.invalid:80"
      _ = try await $0.send(request)
      return ["answered"]
    },
    HTTPConformanceCase(name: "the deadline ends a wait for an answer", expected: ["deadline_exceeded", "ambiguous"]) {
      _ = try await $0.send($0.request("/never"), within: .milliseconds(100))
      return ["answered"]
    },
    HTTPConformanceCase(name: "a body that its sender breaks off is an error, not a short body", expected: ["broken"]) {
      let answer = try await $0.send($0.request("/broken-stream"))
      do {
        let body = try await answer.body.collect(upTo: 100_000)
        return ["\(body.readableBytes) bytes"]
      } catch is HTTPTransportError {
        return ["broken"]
      }
    },
  ]
}

@Suite(.timeLimit(.minutes(1))) struct HTTPConformanceTests {
  @Test(arguments: HTTPConformanceCase.all)
  func overSockets(_ example: HTTPConformanceCase) async throws {
    let clock = SystemMonotonicClock()
    let server = LiveHTTPServer(handler: ConformanceHandler(clock: clock), logger: .silent)
    let transport = LiveHTTPTransport(clock: clock)
    // Ends by an error, so that the server is cancelled, not drained: one handler never answers.
    let end = await #expect(throws: Observed.self) {
      try await server.withRunningServer { address in
        throw Observed(
          seen: await example.observation(.init(transport: transport, clock: clock, authority: "\(address)")))
      }
    }
    try await transport.shutdown()
    #expect(end?.seen == example.expected)
  }

  private struct Observed: Error {
    let seen: [String]
  }

  @Test(arguments: HTTPConformanceCase.all)
  func inTheSimulation(_ example: HTTPConformanceCase) {
    let kernel = SimulationKernel(seed: 11)
    let network = Network(kernel: kernel, defaultLatency: .constant(.milliseconds(1)))
    let (client, server) = (kernel.host("client"), kernel.host("server"))
    let result = Observation()
    server.boot { process in
      network.listen(process, port: 8080, handler: ConformanceHandler(clock: process.clock))
    }
    client.boot { process in
      let transport = SimulatedHTTPTransport(process: process, network: network)
      result.seen = await example.observation(
        .init(transport: transport, clock: process.clock, authority: "server:8080"))
    }
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 60_000_000_000))
    #expect(kernel.reap().isEmpty)
    #expect(result.seen == example.expected)
  }

  /// `@unchecked Sendable`: written on the kernel's thread while the test waits for it.
  private final class Observation: @unchecked Sendable {
    var seen: [String] = []
  }
}

extension Logger {
  /// A logger for tests: nobody reads it.
  static var silent: Logger { Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() } }
}
