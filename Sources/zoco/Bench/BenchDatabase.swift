import Foundation

/// The database of `zoco bench reserve`, handled by PostgreSQL's own programs.
struct BenchDatabase {
  private static let name = "zoco_bench"

  private let server: String
  private let tools: String
  private let scripts: String
  /// The URL of the bench's own database.
  let url: String

  /// - Parameters:
  ///   - server: the URL of a superuser's database.
  ///   - tools: the folder with psql and pgbench.
  ///   - scripts: the folder with setup.sql and reserve.sql.
  init(server: String, tools: String, scripts: String) {
    self.server = server
    self.tools = tools
    self.scripts = scripts
    let parts = server.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let base = parts[0][..<(parts[0].lastIndex(of: "/") ?? parts[0].endIndex)]
    url = "\(base)/\(Self.name)" + (parts.count > 1 ? "?\(parts[1])" : "")
  }

  /// Makes the database anew, with the service's migrations.
  func create() throws {
    try psql(server, ["-c", "DROP DATABASE IF EXISTS \(Self.name)", "-c", "CREATE DATABASE \(Self.name)"])
    try Subprocess.run(Subprocess.sibling("zocod"), ["migrate", "up"], ["DATABASE_URL": url])
  }

  /// Empties the tables and fills in `products` products.
  func reset(products: Int) throws {
    try psql(url, ["-v", "products=\(products)", "-f", "\(scripts)/setup.sql"])
  }

  /// The single value that `statement` answers.
  func query(_ statement: String) throws -> String {
    try psql(url, ["-A", "-t", "-c", statement]).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Runs the baseline, after a second of warming up.
  ///
  /// - Returns: transactions a second, without the time to connect.
  func pgbench(products: Int, seconds: Int) throws -> Double {
    let common = ["-n", "-M", "prepared", "-c", "20", "-j", "1", "-D", "products=\(products)"]
    let script = ["-f", "\(scripts)/reserve.sql", url]
    try Subprocess.run("\(tools)/pgbench", common + ["-T", "1"] + script)
    let output = try Subprocess.run("\(tools)/pgbench", common + ["-T", "\(seconds)"] + script)
    guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("tps = ") }),
      let rate = Double(line.dropFirst(6).prefix { !$0.isWhitespace })
    else { throw KeepAliveClient.Failure(description: "pgbench printed no rate:\n\(output)") }
    return rate
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
