import Foundation
import Testing

/// What `zoco sim` says to wrong use, as a process.
@Suite struct CommandLineTests {
  /// Runs the zoco executable that was built beside this test.
  private func run(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("zoco")
    process.arguments = arguments
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
    (["sim", "last-item", "--seed", "-1"], "The value '-1' is invalid for '--seed <N>'"),
    (["sim", "last-item", "--seed", "1", "--seeds", "1..2"], "give --seed or --seeds, not both"),
    (["sim", "last-item", "--seed", "1", "--json", "/nowhere/at/all.json"], "there is no folder /nowhere/at"),
    (["sim", "last-item", "--trace"], "say which with --seed N"),
    (["sim", "last-item", "--plant", "two-transaction"], "did you mean two-transactions?"),
    (["sim", "--jobs", "0"], "--jobs takes a number from 1 to 1024"),
    (["bench", "sim", "--scenario", "inventory"], "inventory"),
  ])
  func wrongUseIs64AndSaysWhatIsWrong(_ arguments: [String], _ words: String) throws {
    let end = try run(arguments)
    #expect(end.status == 64, "\(end.errors)")
    #expect(end.errors.contains(words), "\(end.errors)")
    #expect(end.output.isEmpty)
  }

  @Test(arguments: [[], ["sim"], ["bench"], ["bench", "kernel"], ["bench", "sim"], ["bench", "reserve"]])
  func everyCommandHelpsWithAnExample(_ command: [String]) throws {
    let end = try run(command + ["--help"])
    #expect(end.status == 0)
    #expect(end.output.contains("zoco " + command.joined(separator: " ")), "\(end.output)")
    #expect(end.output.localizedCaseInsensitiveContains("example") || command == ["bench"], "\(end.output)")
  }

  @Test func aRunOnStandardOutputIsNothingButItsJSON() throws {
    let end = try run(["sim", "last-item", "--seed", "7", "--json", "-"])
    #expect(end.status == 0, "\(end.errors)")
    let document = try JSONSerialization.jsonObject(with: Data(end.output.utf8))
    #expect(document is [String: Any])
  }
}
