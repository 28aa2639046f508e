import Foundation
import Testing

/// What `zoco` says to wrong use, and how it judges logs, as a process.
@Suite struct CommandLineTests {
  /// Runs the zoco executable that was built beside this test.
  private func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String, errors: String) {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("zoco")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let texts = [output, errors].map { String(decoding: $0.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }
    process.waitUntilExit()
    return (process.terminationStatus, texts[0], texts[1])
  }

  @Test(arguments: [
    (["sim", "last-itm"], "there is no scenario \"last-itm\"; did you mean last-item?"),
    (["sim", "last-item", "last-item"], "the scenario last-item is named twice"),
    (["sim", "last-item", "--seeds", "9..1"], "9..1"), (["sim", "last-item", "--seeds", "one"], "one"),
    (["sim", "last-item", "--seed", "-1"], "'--seed <N>': expected a whole number from 0 to 18446744073709551615"),
    (["bench", "reserve", "--only-check", "--seconds", "0"], "--seconds takes a number from 1 to 600"),
    (["bench", "reserve", "--only-check", "--turns", "21"], "--turns takes a number from 1 to 20"),
    (["bench", "reserve", "--only-check", "--connections", "0"], "--connections takes a number from 1 to 1000"),
    (["sim", "last-item", "--seed", "1", "--seeds", "1..2"], "give --seed or --seeds, not both"),
    (["sim", "last-item", "--seed", "1", "--json", "/nowhere/at/all.json"], "there is no folder /nowhere/at"),
    (["sim", "last-item", "--trace"], "say which with --seed N"),
    (["sim", "last-item", "--plant", "two-transaction"], "did you mean two-transactions?"),
    (["sim", "--jobs", "0"], "--jobs takes a number from 1 to 1024"),
    (["bench", "sim", "--scenario", "inventory"], "inventory"),
    (["bench", "history", "--clients", "0"], "--clients, --products and --time-limit from 1 on"),
    (["check-history", "log.edn"], "Missing expected argument '--model <model>'"),
    (["check-history", "log.edn", "--model", "queue"], "The value 'queue' is invalid for '--model <model>'"),
    (["check-history", "/nowhere/log.edn", "--model", "kv"], "/nowhere/log.edn cannot be read"),
    (["check-history", "log.edn", "--model", "kv", "--time-limit", "0"], "--time-limit takes a number of seconds"),
  ])
  func wrongUseIs64AndSaysWhatIsWrong(_ arguments: [String], _ words: String) throws {
    let end = try run(arguments)
    #expect(end.status == 64, "\(end.errors)")
    #expect(end.errors.contains(words), "\(end.errors)")
    #expect(end.output.isEmpty)
  }

  @Test(arguments: [
    [], ["sim"], ["bench"], ["bench", "history"], ["bench", "kernel"], ["bench", "sim"], ["bench", "reserve"],
    ["check-history"],
  ])
  func everyCommandHelpsWithAnExample(_ command: [String]) throws {
    let end = try run(command + ["--help"])
    #expect(end.status == 0)
    #expect(end.output.contains("zoco " + command.joined(separator: " ")), "\(end.output)")
    #expect(end.output.localizedCaseInsensitiveContains("example") || command == ["bench"], "\(end.output)")
  }

  @Test func argumentsThatAreRightPassTheCheckBeforeServersStart() throws {
    let end = try run(["bench", "reserve", "--only-check", "--seconds", "1"])
    #expect(end.status == 0 && end.output.isEmpty && end.errors.isEmpty, "\(end)")
  }

  @Test func reportsGoWhereTheyAreTold() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    let end = try run(["sim", "last-item", "--seed", "7"], environment: ["ZOCO_REPORTS": folder.path])
    let page = folder.appendingPathComponent("simulation.html").path
    #expect(end.output.contains("report: \(page)"), "\(end.output)")
    #expect(FileManager.default.fileExists(atPath: page))
  }

  @Test func aRunOnStandardOutputIsNothingButItsJSON() throws {
    let end = try run(["sim", "last-item", "--seed", "7", "--json", "-"])
    #expect(end.status == 0, "\(end.errors)")
    let document = try JSONSerialization.jsonObject(with: Data(end.output.utf8))
    #expect(document is [String: Any])
  }

  /// Runs check-history on a log.
  private func check(_ log: String, _ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try Data(log.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try run(["check-history", file.path] + arguments)
  }

  @Test func aLogIsJudgedByItsExitStatus() throws {
    let log = "0 :invoke :write 1\n0 :ok :write 1\n1 :invoke :read nil\n1 :ok :read "
    let right = try check(log + "1", ["--model", "register"])
    #expect(right.status == 0)
    #expect(right.output.hasPrefix("linearizable: 2 operations"), "\(right.output)")
    let wrong = try check(log + "2", ["--model", "cas-register"])
    #expect(wrong.status == 129)
    #expect(wrong.output.contains("read → 2"), "\(wrong.output)")
    // Twelve writes in any order, of which two are read last.
    let writes = (0..<12).map { "\($0) :invoke :write \($0)\n" } + (0..<12).map { "\($0) :ok :write \($0)\n" }
    let reads = "0 :invoke :read nil\n0 :ok :read 3\n0 :invoke :read nil\n0 :ok :read 4\n"
    let unknown = try check(writes.joined() + reads, ["--model", "register", "--time-limit", "0.0001"])
    #expect(unknown.status == 128, "\(unknown.output)")
    #expect(unknown.output.hasPrefix("unknown: the time was up"), "\(unknown.output)")
    let broken = try check(log + "\"1", ["--model", "register"])
    #expect(broken.status == 64)
    #expect(broken.errors.contains("line 4, column 13: this text is never closed"), "\(broken.errors)")
  }

  @Test func aStoresLogStartsWithWhatItIsTold() throws {
    let log = "0 :invoke :read [\"x\" nil]\n0 :ok :read [\"x\" 7]"
    #expect(try check(log, ["--model", "kv"]).status == 129)
    #expect(try check(log, ["--model", "kv", "--initial", "7"]).status == 0)
    let swap = "0 :invoke :cas [1 2]\n0 :fail :cas [1 2]"
    #expect(try check(swap, ["--model", "cas-register", "--initial", "1"]).status == 129)
    #expect(try check(swap, ["--model", "cas-register", "--initial", "1", "--failed-cas", "absent"]).status == 0)
  }
}
