import HTTPLive
import HTTPTypes
import NIOCore
import NIOPosix
import Seams
import SeamsLive
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LiveHTTPServerTests {
  /// Says what it was asked and by whom; `/wait` answers when it is told to.
  private struct Handler: HTTPHandler {
    let gate = Gate()

    func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
      if request.head.path == "/wait" {
        gate.arrive()
        await gate.wait()
      }
      do {
        let body = try await request.body.collect(upTo: 64 * 1024)
        let text = "\(request.head.method) \(request.head.path ?? "") \(body.readableBytes) \(peer.address)\n"
        return HTTPResponseMessage(head: HTTPResponse(status: .ok), body: .bytes(ByteBuffer(string: text)))
      } catch {
        return HTTPResponseMessage(
          head: HTTPResponse(status: .contentTooLarge), body: .bytes(ByteBuffer(string: "too large\n")))
      }
    }
  }

  private func run<Value: Sendable>(
    _ change: (inout LiveHTTPServerConfiguration) -> Void = { _ in },
    _ body: @Sendable (LiveHTTPServerAddress) async throws -> Value
  ) async throws -> Value {
    var configuration = LiveHTTPServerConfiguration()
    change(&configuration)
    let server = LiveHTTPServer(handler: Handler(), configuration: configuration, logger: .silent)
    return try await server.withRunningServer(body)
  }

  @Test func aConnectionCarriesManyRequests() async throws {
    try await run { address in
      try await RawConnection.to(address) { connection in
        for number in 1...3 {
          try await connection.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
          let answer = try await connection.read(until: "127.0.0.1\n")
          #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
          #expect(answer.contains("GET /\(number) 0 127.0.0.1\n"))
          #expect(answer.lowercased().contains("date: "))
        }
      }
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await run { address in
      try await RawConnection.to(address) { connection in
        let first = "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        let second = "GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        try await connection.send(first + second)
        let answers = try await connection.readToEnd()
        let place = try #require(answers.firstRange(of: "POST /first 3"))
        #expect(answers[place.upperBound...].contains("GET /second 0"))
        #expect(answers.lowercased().contains("connection: close"))
      }
    }
  }

  @Test func aHeadRequestGetsTheLengthWithoutTheBody() async throws {
    try await run { address in
      try await RawConnection.to(address) { connection in
        try await connection.send("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let answer = try await connection.readToEnd()
        #expect(answer.lowercased().contains("content-length: 20"))
        #expect(answer.hasSuffix("\r\n\r\n"))
      }
    }
  }

  @Test(arguments: [
    "Content-Length: 10000000\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n",
  ])
  func aHugeBodyIs413AndClosesTheConnection(_ framing: String) async throws {
    try await run { address in
      try await RawConnection.to(address) { connection in
        try await connection.send("POST / HTTP/1.1\r\nHost: a\r\n" + framing)
        let block = String(repeating: "x", count: 16 * 1024)
        let chunk = framing.hasPrefix("Transfer") ? "4000\r\n\(block)\r\n" : block
        // More than the handler accepts, far less than was announced.
        for _ in 0..<8 { try await connection.send(chunk) }
        let answer = try await connection.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 413 "))
        #expect(answer.lowercased().contains("connection: close"))
      }
    }
  }

  @Test func thePeerThatAsksIsToldToContinue() async throws {
    try await run { address in
      try await RawConnection.to(address) { connection in
        try await connection.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        let interim = try await connection.read(until: "\r\n\r\n")
        #expect(interim.hasPrefix("HTTP/1.1 100 "))
        try await connection.send("ab")
        let answer = try await connection.read(until: "127.0.0.1\n")
        #expect(answer.contains("PUT / 2 "))
      }
    }
  }

  @Test(arguments: [
    "this is not http\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nbad name: x\r\n\r\n",
  ])
  func bytesThatAreNoRequestAre400(_ bytes: String) async throws {
    try await run { address in
      let answer = try await RawConnection.to(address) { connection in
        try await connection.send(bytes)
        return try await connection.readToEnd()
      }
      #expect(answer.hasPrefix("HTTP/1.1 400 "))
      #expect(answer.contains("application/problem+json"))
    }
  }

  @Test func headerFieldsOverTheLimitAre431() async throws {
    try await run { address in
      let answer = try await RawConnection.to(address) { connection in
        let field = "X-Large: " + String(repeating: "x", count: 40_000)
        try await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
        return try await connection.readToEnd()
      }
      #expect(answer.hasPrefix("HTTP/1.1 431 "))
    }
  }

  @Test func anIdleConnectionIsClosed() async throws {
    try await run {
      $0.idleTimeout = .seconds(1)
    } _: { address in
      let rest = try await RawConnection.to(address) { connection in
        try await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return try await connection.readToEnd()
      }
      #expect(rest.hasPrefix("HTTP/1.1 200 "))
    }
  }

  @Test func aRequestThatNeverEndsIsClosed() async throws {
    try await run {
      $0.idleTimeout = .milliseconds(50)
    } _: { address in
      let rest = try await RawConnection.to(address) { connection in
        try await connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        return try await connection.readToEnd()
      }
      #expect(!rest.hasPrefix("HTTP/1.1 200 "))
    }
  }

  @Test func shuttingDownAnswersWhatIsUnderWay() async throws {
    let handler = Handler()
    let server = LiveHTTPServer(handler: handler, logger: .silent)
    let (addresses, listening) = AsyncStream.makeStream(of: LiveHTTPServerAddress.self)
    async let served: Void = server.withRunningServer { address in
      listening.yield(address)
      await handler.gate.arrival()
    }
    let address = try #require(await addresses.first { _ in true })
    async let letGo: Void = {
      await handler.gate.arrival()
      // The server is shutting down while the request waits: only then it is let go.
      await RawConnection.untilRefused(address)
      handler.gate.open()
    }()
    let answer = try await RawConnection.to(address) { connection in
      try await connection.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
      return try await connection.readToEnd()
    }
    #expect(answer.contains("GET /wait 0 "))
    #expect(answer.lowercased().contains("connection: close"))
    await letGo
    try await served
  }

  @Test func connectionsThatComeWhileItStopsDoNoHarm() async throws {
    for _ in 0..<20 {
      await withTaskGroup(of: Void.self) { group in
        let (addresses, listening) = AsyncStream.makeStream(of: LiveHTTPServerAddress.self)
        let server = LiveHTTPServer(handler: Handler(), logger: .silent) { listening.yield($0) }
        group.addTask { try? await server.run() }
        guard let address = await addresses.first(where: { _ in true }) else { return }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let connecting = (0..<64).map { _ in bootstrap.connect(host: address.host, port: address.port) }
        _ = try? await connecting[0].get()
        group.cancelAll()
        for connection in connecting { try? await connection.get().close() }
      }
    }
  }

  @Test func aPortThatIsTakenIsAnError() async throws {
    try await run { address in
      let configuration = LiveHTTPServerConfiguration(host: address.host, port: address.port)
      let second = LiveHTTPServer(handler: Handler(), configuration: configuration, logger: .silent)
      await #expect(throws: (any Error).self) {
        try await second.withRunningServer { _ in }
      }
    }
  }
}

/// Lets one task wait until another has arrived, and be let go.
final class Gate: Sendable {
  private struct State {
    var hasArrived = false
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
    var watching: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())

  func arrive() {
    let watching = state.withLock { state in
      state.hasArrived = true
      defer { state.watching = [] }
      return state.watching
    }
    for continuation in watching { continuation.resume() }
  }

  func arrival() async {
    await withCheckedContinuation { continuation in
      let hasArrived = state.withLock { state in
        if !state.hasArrived { state.watching.append(continuation) }
        return state.hasArrived
      }
      if hasArrived { continuation.resume() }
    }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
