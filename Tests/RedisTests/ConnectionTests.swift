import Glibc
import Seams
import SeamsLive
import Synchronization
import Testing

@testable import Redis

@Suite struct ConnectionTests {
  private func failure(_ body: () async throws -> Void) async throws -> CacheError {
    try await #require(throws: CacheError.self) { try await body() }
  }

  @Test func answersBelongToCallsInTheirOrder() async throws {
    let server = ScriptedServer { received in
      // Numbers the commands by what they echo.
      received.split(separator: "\r\n").filter { $0.allSatisfy(\.isNumber) }.map { ":\($0)\r\n" }.joined()
    }
    let connection = try await server.connect()
    defer { connection.close() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1000..<1200 {
        group.addTask {
          let reply = try await connection.execute(CacheCommand("ECHO", number), deadline: Clocks.after(.seconds(10)))
          #expect(reply == .integer(Int64(number)))
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func aCommandThatIsNotAnsweredInTimeLeavesTheConnection() async throws {
    let server = ScriptedServer { _ in "" }
    let connection = try await server.connect()
    let error = try await failure {
      _ = try await connection.execute(.set("k", "v"), deadline: Clocks.after(.milliseconds(50)))
    }
    #expect(error.code == .deadlineExceeded && error.mayHaveTakenEffect && error.disposition == .ambiguous)
    #expect(connection.isClosed)
    let next = try await failure { _ = try await connection.execute(.get("k"), deadline: Clocks.after(.seconds(1))) }
    #expect(next.code == .connectionClosed && next.disposition == .retryable)
  }

  @Test func aReadThatIsNotAnsweredHadNoEffect() async throws {
    let server = ScriptedServer { _ in "" }
    let connection = try await server.connect()
    let error = try await failure {
      _ = try await connection.execute(.get("k"), deadline: Clocks.after(.milliseconds(20)))
    }
    #expect(error.code == .deadlineExceeded && error.disposition == .retryable)
  }

  @Test func whatIsUnderWayOnALeftConnectionIsStillAnswered() async throws {
    let received = Mutex(0)
    let server = ScriptedServer { text in
      let count = received.withLock { received in
        received += text.split(separator: "INCR").count - 1
        return received
      }
      guard count == 2 else { return "" }
      // Both have been sent, and one of them is to be answered too late.
      usleep(1_500_000)
      return ":1\r\n:2\r\n"
    }
    let connection = try await server.connect()
    async let late = connection.execute(CacheCommand("INCR", "a"), deadline: Clocks.after(.seconds(1)))
    async let patient = connection.execute(CacheCommand("INCR", "b"), deadline: Clocks.after(.seconds(30)))
    do {
      _ = try await late
      Issue.record("it should have been late")
    } catch let error as CacheError {
      #expect(error.code == .deadlineExceeded && error.disposition == .ambiguous)
    }
    #expect(connection.isClosed)
    #expect(try await [1, 2].contains(patient.integer))
    let error = try await failure { _ = try await connection.execute(.ping, deadline: Clocks.after(.seconds(1))) }
    #expect(error.code == .connectionClosed && error.message.contains("not answered in time"))
  }

  @Test func aLostConnectionFailsWhatIsUnderWay() async throws {
    let server = ScriptedServer { _ in nil }
    let connection = try await server.connect()
    let error = try await failure {
      _ = try await connection.execute(.set("k", "v"), deadline: Clocks.after(.seconds(5)))
    }
    #expect(error.code == .connectionLost && error.disposition == .ambiguous)
    #expect(connection.isClosed)
  }

  @Test func aCancelledTaskWaitsNoLongerAndTheConnectionStays() async throws {
    let isFirst = Mutex(true)
    let server = ScriptedServer { _ in
      isFirst.withLock { isFirst in
        defer { isFirst = false }
        return isFirst ? "" : ":1\r\n:2\r\n"
      }
    }
    let connection = try await server.connect()
    defer { connection.close() }
    let task = Task { try await connection.execute(CacheCommand("INCR", "a"), deadline: Clocks.after(.seconds(10))) }
    try await Clocks.system.sleep(until: Clocks.after(.milliseconds(50)), tolerance: nil)
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(!connection.isClosed)
    let reply = try await connection.execute(CacheCommand("INCR", "b"), deadline: Clocks.after(.seconds(10)))
    #expect(reply == .integer(2))
  }

  @Test func anAnswerThatNobodyAskedForEndsTheConnection() async throws {
    let server = ScriptedServer { _ in "+OK\r\n-ERR max number of clients reached\r\n" }
    let connection = try await server.connect()
    _ = try await connection.execute(.set("k", "v"), deadline: Clocks.after(.seconds(5)))
    while !connection.isClosed { try await Clocks.system.sleep(until: Clocks.after(.milliseconds(5)), tolerance: nil) }
    let error = try await failure { _ = try await connection.execute(.get("k"), deadline: Clocks.after(.seconds(1))) }
    #expect(error.message.contains("max number of clients reached"))
  }

  @Test func whatIsNotTheProtocolEndsTheConnection() async throws {
    let server = ScriptedServer { _ in "HTTP/1.1 400 Bad Request\r\n\r\n" }
    let connection = try await server.connect()
    let error = try await failure { _ = try await connection.execute(.ping, deadline: Clocks.after(.seconds(5))) }
    #expect(error.code == .protocolViolated)
    #expect(connection.isClosed)
  }

  @Test(arguments: ["SUBSCRIBE", "MONITOR", "BLPOP", "QUIT", "AUTH"] as [StaticString])
  func whatWouldBreakTheOrderOfAnswersIsRefused(_ name: StaticString) async throws {
    let server = ScriptedServer { _ in "" }
    let connection = try await server.connect()
    defer { connection.close() }
    let error = try await failure {
      _ = try await connection.execute(CacheCommand(name, "x"), deadline: Clocks.after(.seconds(1)))
    }
    #expect(error.code == .refused && error.disposition == .permanent)
  }

  @Test func aRefusedSignInKeepsThePrefixAndHidesThePassword() async throws {
    let server = ScriptedServer(
      signIn: "-WRONGPASS invalid username-password pair or user is disabled.\r\n-NOAUTH no\r\n-NOAUTH no\r\n"
    ) { _ in nil }
    let error = try await failure { _ = try await server.connect("redis://anna:geheim@127.0.0.1:\(server.port)/0") }
    #expect(error.code == .connectFailed && error.prefix == "WRONGPASS" && error.disposition == .permanent)
    #expect(error.message.contains("signing in") && !"\(error)".contains("geheim"))
  }

  @Test(arguments: [
    ("-ERR max number of clients reached\r\n-ERR x\r\n", FailureDisposition.retryable),
    ("-LOADING Redis is loading the dataset in memory\r\n+OK\r\n", .retryable),
    ("-ERR DB index is out of range\r\n+OK\r\n", .permanent),
  ])
  func aRefusedSignInSaysWhetherToTryAgain(_ signIn: String, _ disposition: FailureDisposition) async throws {
    let server = ScriptedServer(signIn: signIn) { _ in nil }
    let error = try await failure { _ = try await server.connect() }
    #expect(error.code == .connectFailed && error.disposition == disposition, "\(error)")
  }

  @Test func aServerThatIsSilentIsGivenUpAtTheDeadline() async throws {
    let server = ScriptedServer(signIn: "") { _ in nil }
    let start = Clocks.system.now
    let error = try await failure { _ = try await server.connect(within: .milliseconds(100)) }
    #expect(error.code == .connectFailed && error.disposition == .retryable)
    #expect(start.duration(to: Clocks.system.now) < .seconds(3))
  }

  @Test func aPortWhereNobodyListensIsRefused() async throws {
    let port = ScriptedServer { _ in nil }.port
    let server = ScriptedServer { _ in nil }
    let error = try await failure { _ = try await server.connect("redis://127.0.0.1:\(port)") }
    #expect(error.code == .connectFailed && error.message.contains("Connection refused"))
  }

  @Test func aNameThatIsNotThereIsSaid() async throws {
    let server = ScriptedServer { _ in nil }
    let error = try await failure { _ = try await server.connect("redis://nowhere.invalid") }
    #expect(error.code == .connectFailed && error.message.contains("was not resolved"))
  }
}
