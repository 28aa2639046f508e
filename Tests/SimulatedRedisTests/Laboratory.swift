import Seams
import SimulatedNetwork
import SimulatedRedis
import SimulationKernel
import Testing

/// A kernel with a Redis host and a network, for one test.
struct Laboratory {
  let kernel: SimulationKernel
  let network: Network
  let server: SimulatedRedisServer

  init(
    seed: UInt64 = 1, scripts: [CacheScript] = [], _ configure: (inout SimulatedRedisOptions) -> Void = { _ in }
  ) {
    var options = SimulatedRedisOptions()
    configure(&options)
    kernel = SimulationKernel(seed: seed)
    network = Network(kernel: kernel)
    server = SimulatedRedisServer(host: kernel.host("redis"), network: network, scripts: scripts, options: options)
  }

  /// Runs `body` on a host of its own until it returns, and unwinds the world.
  ///
  /// - Returns: the hash of the run.
  @discardableResult
  func run(
    expecting expected: RunOutcome = .finished, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable (Client) async throws -> Void
  ) -> UInt64 {
    let server = server
    let outcome = kernel.run { process in try await body(Client(process: process, server: server)) }
    let hash = kernel.trace.hash
    let leaks = kernel.reap()
    #expect(outcome == expected, sourceLocation: sourceLocation)
    #expect(leaks == [], sourceLocation: sourceLocation)
    return hash
  }
}

/// The tests' side. What it finds wrong it throws: an expectation that fails on the simulated thread reads a clock there.
struct Client: Sendable {
  let process: SimulatedProcess
  let server: SimulatedRedisServer

  func after(_ duration: Duration) -> MonotonicInstant { process.clock.now.advanced(by: duration) }

  func connect(database: Int = 0) async throws -> any CacheConnection {
    try await server.connector(for: process, database: database).connect(deadline: after(.seconds(5)))
  }

  func sleep(_ duration: Duration) async throws { try await process.clock.sleep(for: duration) }

  /// Runs a command of words on a connection of its own.
  @discardableResult
  func ask(_ words: String...) async throws -> CacheReply {
    let connection = try await connect()
    defer { connection.close() }
    return try await connection.ask(words)
  }

  func expect(_ found: CacheReply, _ expected: CacheReply, line: Int = #line) throws {
    guard found != expected else { return }
    throw Finding(description: "expected \(expected), found \(found) [line \(line)]")
  }

  func expect(_ condition: Bool, _ what: String, line: Int = #line) throws {
    guard !condition else { return }
    throw Finding(description: "\(what) [line \(line)]")
  }

  /// The error with which `body` fails.
  func failure(line: Int = #line, _ body: () async throws -> Void) async throws -> CacheError {
    do {
      try await body()
    } catch let error as CacheError {
      return error
    }
    throw Finding(description: "it should have failed [line \(line)]")
  }
}

/// What a test found wrong.
struct Finding: Error, CustomStringConvertible {
  let description: String
}

extension CacheConnection {
  /// The reply to a command of words, an error as a value.
  func ask(_ words: [String], deadline: MonotonicInstant = .distantFuture) async throws -> CacheReply {
    try await send([CacheCommand(raw: words.map { Array($0.utf8) })], deadline: deadline)[0]
  }
}

extension CacheReply {
  static func text(_ text: String) -> CacheReply { .bytes(Array(text.utf8)) }
}
