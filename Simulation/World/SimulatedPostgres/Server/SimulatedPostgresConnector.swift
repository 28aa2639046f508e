public import Seams
import SimulatedNetwork
import SimulationKernel

/// The SQL seam's simulated side: connections of one simulated process to a ``SimulatedPostgresServer``.
public struct SimulatedPostgresConnector: SQLConnector {
  let server: SimulatedPostgresServer
  let process: SimulatedProcess

  public func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    try process.checkAlive()
    let (server, process) = (server, process)
    let call = process.pendingCall("a connection to PostgreSQL", as: SimulatedPostgresConnection.self)
    let kernel = process.host.kernel
    let timer = kernel.schedule(at: max(kernel.now, process.host.globalInstant(ofLocal: deadline))) {
      call.fail(
        SQLError(.connectFailed, message: "connection to server at \"\(server.host.name)\" failed: timeout expired"))
    }
    defer { kernel.cancel(timer) }
    let connection = SimulatedPostgresConnection(server: server, process: process)
    server.network.send(from: process.host, to: server.host, bytes: 128) {
      let answer = server.accept(connection)
      server.network.send(from: server.host, to: process.host, bytes: 256) {
        switch answer {
        case .success(let backend):
          if call.isEnded { return connection.abandon(backend) }
          connection.opened(backend)
          call.resume(returning: connection)
        case .failure(let error): call.fail(error)
        }
      }
    }
    return try await call.value()
  }
}

/// A client's end of a connection to a ``SimulatedPostgresServer``.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedPostgresConnection: SQLConnection, @unchecked Sendable {
  let process: SimulatedProcess
  private let server: SimulatedPostgresServer
  @exclusivity(unchecked) private var backend: Backend?
  @exclusivity(unchecked) private var call: PendingCall<[SQLResult]>?
  @exclusivity(unchecked) private var number = 0
  @exclusivity(unchecked) private var deadlinePassed = false
  /// What the answer would have said of a COMMIT, for the errors in its place.
  @exclusivity(unchecked) private var mayCommit = false
  /// Once it is closed nothing leads to the backend any more, which leads here.
  public private(set) var status = SQLConnectionStatus.closed {
    didSet { if status == .closed { backend = nil } }
  }
  /// The backend's process number, as `pg_backend_pid()` gives it.
  public private(set) var backendPID = 0

  init(server: SimulatedPostgresServer, process: SimulatedProcess) {
    self.server = server
    self.process = process
  }

  func opened(_ backend: Backend) {
    self.backend = backend
    backendPID = backend.session.pid
    status = .idle
    process.onSeal { [weak self] in self?.close() }
  }

  /// The server accepted after the client had given up.
  func abandon(_ backend: Backend) { hangUp(backend) }

  public func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
    let results = try await perform(
      .statement(statement), mayCommit: mayCommit(statement.text), deadline)
    return results[0]
  }

  public func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
    if statements.isEmpty { return [] }
    return try await perform(.batch(statements), mayCommit: statements.contains { mayCommit($0.text) }, deadline)
  }

  public func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
    _ = try await perform(.script(text), mayCommit: status == .idle, deadline)
  }

  /// Whether the statement could commit something: a COMMIT, or outside a transaction anything that changes data.
  private func mayCommit(_ text: String) -> Bool {
    // The first word, packed: eight letters are enough to tell those below apart.
    var word: UInt64 = 0
    for byte in text.utf8 {
      if byte | 0x20 >= UInt8(ascii: "a"), byte | 0x20 <= UInt8(ascii: "z") {
        word = word << 8 | UInt64(byte | 0x20)
      } else if word != 0 {
        break
      }
    }
    if word == Word.commit || word == Word.end { return true }
    return status == .idle && !Word.harmless.contains(word)
  }

  private enum Word {
    static let commit = packed("commit")
    static let end = packed("end")
    static let harmless = ["select", "show", "set", "begin", "start", "rollback", "values"].map(packed)

    private static func packed(_ word: String) -> UInt64 { word.utf8.reduce(0) { $0 << 8 | UInt64($1) } }
  }

  public func close() {
    guard status != .closed else { return }
    if let backend { hangUp(backend) }
    status = .closed
    call?.fail(SQLError(.connectionClosed, message: "the connection was closed"))
  }

  /// Tells the server; when no word gets through, it notices after its keep-alive time.
  private func hangUp(_ backend: Backend) {
    let (kernel, keepAlive) = (process.host.kernel, server.keepAlive)
    server.network.send(
      from: process.host, to: server.host, bytes: 32,
      onDropped: { kernel.schedule(after: keepAlive) { backend.hangUp() } }, deliver: { backend.hangUp() })
  }

  // MARK: A call

  private func perform(_ request: BackendRequest, mayCommit: Bool, _ deadline: MonotonicInstant) async throws
    -> [SQLResult]
  {
    try process.checkAlive()
    precondition(call == nil, "a second call on a connection before the first was answered")
    guard status != .closed, let backend else {
      throw SQLError(.connectionClosed, message: "the connection is closed")
    }
    guard deadline == .distantFuture || process.clock.now < deadline else {
      throw SQLError(.deadlineExceeded, message: "the deadline passed before the statement was sent")
    }
    number += 1
    self.mayCommit = mayCommit
    deadlinePassed = false
    let (number, kernel) = (number, process.host.kernel)
    let call = process.pendingCall("PostgreSQL's answer", as: [SQLResult].self)
    self.call = call
    var timer: TimerToken?
    if deadline != .distantFuture {
      timer = kernel.schedule(at: max(kernel.now, process.host.globalInstant(ofLocal: deadline))) { [self] in
        timer = expire(number)
      }
    }
    defer {
      self.call = nil
      if let timer { kernel.cancel(timer) }
    }
    server.network.send(from: process.host, to: server.host, bytes: request.bytes) {
      backend.receive(number, request)
    }
    do {
      return try await call.value()
    } catch let error as SQLError {
      throw error
    } catch {
      // Cancelled: what the server still does with the statement is nobody's business; the connection is not clean.
      self.call = nil
      close()
      throw error
    }
  }

  /// The deadline passed: cancels the statement, and gives up on the connection when even that is not answered.
  private func expire(_ number: Int) -> TimerToken? {
    guard let backend, let call, self.number == number else { return nil }
    deadlinePassed = true
    server.network.send(from: process.host, to: server.host, bytes: 16) { backend.cancel(number) }
    let mayCommit = mayCommit
    return process.host.kernel.schedule(after: SimulatedPostgresConnection.cancelPatience) { [self] in
      status = .closed
      hangUp(backend)
      call.fail(
        SQLError(
          .deadlineExceeded, message: "no answer from PostgreSQL before the deadline",
          commitMayHaveTakenEffect: mayCommit))
    }
  }

  /// How long after a cancel request an answer is still waited for.
  private static let cancelPatience = Duration.milliseconds(500)

  func receive(_ number: Int, _ reply: BackendReply) {
    guard status != .closed, number == self.number, let call else { return }
    status = reply.status
    switch reply.result {
    case .success(let results): call.resume(returning: results)
    case .failure(var error):
      if deadlinePassed, error.sqlState == .queryCanceled { error.code = .deadlineExceeded }
      call.fail(error)
    }
  }

  /// The connection broke.
  func reset(_ error: SQLError) {
    guard status != .closed else { return }
    status = .closed
    var error = error
    error.commitMayHaveTakenEffect = mayCommit && call != nil
    call?.fail(error)
  }
}
