import Foundation
import Postgres
import Seams
import SeamsLive
import Testing

@Suite("Connecting to a live PostgreSQL")
struct LiveConnectTests {
  private let clock = SystemMonotonicClock()

  private func connect(_ url: String, within timeout: Duration = .seconds(10)) async throws -> any SQLConnection {
    try await LiveDatabase.connector(url: url).connect(deadline: clock.now.advanced(by: timeout))
  }

  private func refusal(_ url: String, within timeout: Duration = .seconds(10)) async throws -> SQLError {
    do {
      try await connect(url, within: timeout).close()
    } catch let error as SQLError {
      return error
    }
    throw ConformanceFailure("\(url) was reached and should not have been")
  }

  private func url(_ hosts: [String], options: String = "") throws -> String {
    let own = try LiveDatabase.address()
    let list = hosts.map { $0 == "own" ? "\(own.host):\(own.port)" : $0 }.joined(separator: ",")
    return try LiveDatabase.url(database: "postgres", host: list, options: options)
  }

  @Test func aDeadHostIsPassedOver() async throws {
    let connection = try await connect(url(["127.0.0.1:1", "own"], options: "target_session_attrs=read-write"))
    defer { connection.close() }
    let result = try await connection.execute("SELECT 1 AS one", deadline: LiveDatabase.soon())
    #expect(result.rows[0].values == [.int(1)])
  }

  @Test func aHostThatNeverAnswersLeavesTimeForTheNext() async throws {
    let silent = try SilentServer()
    let connection = try await connect(url(["127.0.0.1:\(silent.port)", "own"]), within: .seconds(2))
    #expect(connection.status == .idle)
    connection.close()
  }

  @Test func connectTimeoutOfTheURLBoundsEachAddress() async throws {
    let silent = try SilentServer()
    let start = clock.now
    let connection = try await connect(
      url(["127.0.0.1:\(silent.port)", "own"], options: "connect_timeout=1"), within: .seconds(60))
    connection.close()
    // Without the URL's bound the first address would take its share of the whole, 30 s.
    #expect(start.duration(to: clock.now) < .seconds(28))
  }

  @Test func everyHostThatFailedIsNamed() async throws {
    let error = try await refusal(url(["127.0.0.1:1", "no-such-host.invalid:5432"]))
    #expect(error.code == .connectFailed)
    #expect(error.message.contains("127.0.0.1:1: Connection refused"), "\(error)")
    #expect(error.message.contains("no-such-host.invalid:5432: the name was not resolved"), "\(error)")
    #expect(error.disposition == .retryable)
  }

  @Test func thePasswordIsInNoError() async throws {
    for hosts in ["127.0.0.1:1", "127.0.0.1:\(try LiveDatabase.address().port)"] {
      let error = try await refusal("postgres://nobody:geheim@\(hosts)/no_such_database")
      #expect(!"\(error)".contains("geheim"), "\(error)")
    }
  }

  @Test func anUnknownDatabaseKeepsTheServersCode() async throws {
    let error = try await refusal(LiveDatabase.url(database: "no_such_database"))
    #expect(error.code == .connectFailed)
    #expect(error.sqlState == "3D000")
    #expect(error.message.contains("database \"no_such_database\" does not exist"), "\(error)")
  }

  @Test func aReadOnlySessionIsNotFoundOnAPrimary() async throws {
    let error = try await refusal(url(["own"], options: "target_session_attrs=read-only"))
    #expect(error.code == .connectFailed)
    #expect(error.message.contains("read-only"), "\(error)")
    let connection = try await connect(url(["own"], options: "target_session_attrs=prefer-standby"))
    connection.close()
  }

  @Test func theDeadlineHoldsAgainstASilentServer() async throws {
    let silent = try SilentServer()
    let start = clock.now
    let error = try await refusal(url(["127.0.0.1:\(silent.port)"]), within: .milliseconds(200))
    #expect(error.code == .connectFailed)
    #expect(start.duration(to: clock.now) < .seconds(10))
  }

  @Test func cancellingTheTaskEndsTheAttempt() async throws {
    let silent = try SilentServer()
    let target = try url(["127.0.0.1:\(silent.port)"])
    await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          try await connect(target, within: .seconds(300)).close()
          return false
        } catch {
          return error is CancellationError
        }
      }
      // Cancelled once the attempt has reached the server, or before: both must end it.
      group.addTask { silent.waitForClient() }
      _ = await group.next()
      group.cancelAll()
      let wasCancelled = await group.next()
      #expect(wasCancelled == true)
    }
  }
}

/// A listener that takes connections and never says a word.
final class SilentServer: Sendable {
  let port: UInt16
  private let descriptor: Int32

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, length) == 0 && listen(descriptor, 16) == 0
          && getsockname(descriptor, pointer, &length) == 0
      }
    }
    guard code else { throw ConformanceFailure("no port for a silent server: errno \(errno)") }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  /// Blocks the thread until a client has connected.
  func waitForClient() -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 10_000) == 1
  }
}
