import FoundationEssentials
import Seams
import SimulatedNetwork
import SimulatedPostgres
import SimulationKernel
import Testing

/// A kernel with a database host and a network, for one test.
struct Laboratory {
  let kernel: SimulationKernel
  let network: Network
  let server: SimulatedPostgresServer

  init(seed: UInt64 = 1, _ configure: (inout SimulatedPostgresOptions) -> Void = { _ in }) {
    var options = SimulatedPostgresOptions()
    options.rowOrder = .heap
    options.refusalFailsHarness = false
    configure(&options)
    var kernelOptions = KernelOptions()
    kernelOptions.retention = .latest(200)
    kernel = SimulationKernel(seed: seed, options: kernelOptions)
    network = Network(kernel: kernel)
    server = SimulatedPostgresServer(host: kernel.host("db"), network: network, options: options)
  }

  /// Runs `body` on a host of its own until it returns, and unwinds the world.
  func run(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: @escaping @Sendable (Client) async throws -> Void
  ) {
    let server = server
    let outcome = kernel.run { process in try await body(Client(process: process, server: server)) }
    #expect(outcome == .finished, sourceLocation: sourceLocation)
    #expect(kernel.reap() == [], sourceLocation: sourceLocation)
  }
}

/// The tests' side: opens connections and runs statements.
struct Client: Sendable {
  let process: SimulatedProcess
  let server: SimulatedPostgresServer

  var now: MonotonicInstant { process.clock.now }

  func connect() async throws -> SimulatedPostgresConnection {
    let connection = try await server.connector(for: process).connect(deadline: now.advanced(by: .seconds(5)))
    guard let simulated = connection as? SimulatedPostgresConnection else {
      preconditionFailure("another connector's connection")
    }
    return simulated
  }

  func sleep(_ milliseconds: Int) async throws { try await process.clock.sleep(for: .milliseconds(milliseconds)) }
}

extension SQLConnection {
  /// Runs a statement without a deadline and gives its rows as texts.
  @discardableResult
  func run(_ text: String, _ parameters: SQLValue...) async throws -> [[String]] {
    let result = try await execute(
      SQLStatement(trusted: text, parameters: parameters), deadline: .distantFuture)
    return result.rows.map { row in row.values.map { $0.plainText } }
  }

  func count(_ text: String, _ parameters: SQLValue...) async throws -> Int {
    try await execute(SQLStatement(trusted: text, parameters: parameters), deadline: .distantFuture).rowCount
  }

  func script(_ text: String) async throws { try await executeScript(text, deadline: .distantFuture) }

  /// The error that a statement fails with; `nil` when it does not.
  func failure(_ text: String, _ parameters: SQLValue...) async throws -> SQLError? {
    do {
      _ = try await execute(SQLStatement(trusted: text, parameters: parameters), deadline: .distantFuture)
      return nil
    } catch let error as SQLError {
      return error
    }
  }
}

extension SQLValue {
  var plainText: String {
    switch self {
    case .null: "NULL"
    case .bool(let value): value ? "t" : "f"
    case .int(let value): String(value)
    case .double(let value): value.description
    case .numeric(let value), .text(let value), .json(let value): value
    case .uuid(let value): value.uuidString.lowercased()
    case .timestamp(let value): value.description
    case .bytes(let value): value.description
    case .array(let values): "{" + values.map(\.plainText).joined(separator: ",") + "}"
    }
  }
}
