import ArgumentParser
import Foundation

/// A service's database for a bench on a real server, handled by PostgreSQL's own programs.
struct BenchDatabase {
  private let service: String
  private let name: String
  private let server: String
  private let tools: String
  private let scripts: String
  /// The URL of the bench's own database.
  let url: String

  /// The database on the server that `./zoco bench` has started.
  ///
  /// - Parameters:
  ///   - service: whose it is: `inventory` or `orders`.
  ///   - scripts: the folder of the scripts for psql and pgbench.
  /// - Throws: `ValidationError` when there is no server.
  init(of service: String, scripts: String) throws {
    let environment = ProcessInfo.processInfo.environment
    guard let server = environment["ZOCO_TEST_DATABASE_URL"], let tools = environment["ZOCO_POSTGRES_BIN"] else {
      throw ValidationError("no PostgreSQL to measure on: let ./zoco bench start one")
    }
    self.service = service
    self.server = server
    self.tools = tools
    self.scripts = scripts
    name = "zoco_bench_\(service)"
    let parts = server.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let base = parts[0][..<(parts[0].lastIndex(of: "/") ?? parts[0].endIndex)]
    url = "\(base)/\(name)" + (parts.count > 1 ? "?\(parts[1])" : "")
  }

  /// Makes the database anew, with the service's migrations.
  func create() throws {
    try psql(server, ["-c", "DROP DATABASE IF EXISTS \(name)", "-c", "CREATE DATABASE \(name)"])
    try zocod(["migrate", "up"])
  }

  /// Creates `products` products, in the inventory with a million units each.
  func seed(products: Int) throws {
    try zocod(["seed", "--products", "\(products)", "--quantity", "1000000"])
  }

  /// Runs a script of psql, which knows `products`.
  func run(_ script: String, products: Int) throws {
    try psql(url, ["-v", "products=\(products)", "-f", "\(scripts)/\(script)"])
  }

  /// What numbers were measured on: the server's version, and that it keeps what it commits.
  func settings() throws -> String {
    let values = try ["server_version", "fsync", "synchronous_commit"].map { try query("SHOW \($0)") }
    return "PostgreSQL \(values[0]), fsync \(values[1]), synchronous_commit \(values[2])"
  }

  /// The single value that `statement` answers.
  func query(_ statement: String) throws -> String {
    try psql(url, ["-A", "-t", "-c", statement]).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Runs the baseline of a script of pgbench, which knows `products`, after a second of warming up.
  ///
  /// - Returns: transactions a second, without the time to connect.
  func pgbench(_ script: String, products: Int, seconds: Int) throws -> Double {
    let common = ["-n", "-M", "prepared", "-c", "20", "-j", "1", "-D", "products=\(products)"]
    let file = ["-f", "\(scripts)/\(script)", url]
    try Subprocess.run("\(tools)/pgbench", common + ["-T", "1"] + file)
    let output = try Subprocess.run("\(tools)/pgbench", common + ["-T", "\(seconds)"] + file)
    guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("tps = ") }),
      let rate = Double(line.dropFirst(6).prefix { !$0.isWhitespace })
    else { throw KeepAliveClient.Failure(description: "pgbench printed no rate:\n\(output)") }
    return rate
  }

  private func zocod(_ arguments: [String]) throws {
    try Subprocess.run(Subprocess.sibling("zocod"), arguments + ["--service", service], ["DATABASE_URL": url])
  }

  @discardableResult
  private func psql(_ url: String, _ arguments: [String]) throws -> String {
    try Subprocess.run("\(tools)/psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1"] + arguments + [url])
  }
}

/// Programs that run to their end.
enum Subprocess {
  /// The program `name` beside the running one.
  static func sibling(_ name: String) -> String {
    URL(fileURLWithPath: ReExecution.executable).deletingLastPathComponent().appendingPathComponent(name).path
  }

  /// Runs a program.
  ///
  /// - Returns: what it printed.
  /// - Throws: ``KeepAliveClient/Failure`` with what it said, when it cannot be started or fails.
  @discardableResult
  static func run(_ program: String, _ arguments: [String], _ environment: [String: String] = [:]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, complaint) = (Pipe(), FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString))
    try Data().write(to: complaint)
    defer { try? FileManager.default.removeItem(at: complaint) }
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: complaint)
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let said = (try? String(contentsOf: complaint, encoding: .utf8)) ?? ""
      throw KeepAliveClient.Failure(description: "\(program) failed (\(process.terminationStatus)): \(said)\(printed)")
    }
    return printed
  }
}
