import Foundation
import Testing

/// What `./zoco` says before and while it builds: a copy of the script in a folder without products, with a `swift` that
/// only notes how it is called.
@Suite struct BootstrapTests {
  private struct End {
    var status: Int32
    var output: String
    var errors: String
    /// How `swift` was called, one call a line.
    var builds: [Substring]
  }

  /// The stand-in for the compiler; `outcome` is what its builds do.
  private static func compiler(_ outcome: String) -> String {
    """
    #!/usr/bin/env bash
    [ "$1" != --version ] || { echo "Swift version 6.2 (swift-6.2-RELEASE)"; exit; }
    echo "$*" >>"$ZOCO_TEST_CALLS"
    echo "warning: 'a-package': found 1 file(s) which are unhandled; explicitly declare them"
    echo "Fetching https://example.org/a-package"
    echo "[1/2] Compiling Package File.swift"
    \(outcome)

    """
  }

  private static let failing = "echo 'error: it does not compile'; exit 1"

  /// A build that makes a program which says how it was called, and refuses what a bench with `--only-check` gets.
  private static let succeeding = """
    mkdir -p "$3/.build/release"
    for product in zoco zocod; do
      printf '%s\\n' '#!/bin/sh' 'echo "'$product': $*"' 'case $* in *--only-check*) exit 64 ;; esac' \
        >"$3/.build/release/$product"
      chmod 755 "$3/.build/release/$product"
    done
    """

  private func zoco(_ arguments: String..., outcome: String = failing, times: Int = 1) throws -> End {
    let files = FileManager.default
    let folder = files.temporaryDirectory.appendingPathComponent("zoco-bootstrap-\(UUID().uuidString)")
    defer { try? files.removeItem(at: folder) }
    try files.createDirectory(at: folder.appendingPathComponent("Tests"), withIntermediateDirectories: true)
    try files.createDirectory(at: folder.appendingPathComponent("bin"), withIntermediateDirectories: true)
    try Data().write(to: folder.appendingPathComponent("Package.swift"))
    for path in ["zoco", "Tests/Servers"] {
      try files.copyItem(at: Repository.root.appendingPathComponent(path), to: folder.appendingPathComponent(path))
    }
    for name in ["Sources", "Simulation"] {
      try files.createDirectory(at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    // The script trusts what is installed; here every library is.
    for (name, text) in [("swift", Self.compiler(outcome)), ("pkg-config", "#!/bin/sh\n")] {
      let program = folder.appendingPathComponent("bin/\(name)")
      try Data(text.utf8).write(to: program)
      try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
    }
    let calls = folder.appendingPathComponent("calls")
    var end = End(status: 0, output: "", errors: "", builds: [])
    for _ in 0..<times {
      let process = Process()
      process.executableURL = folder.appendingPathComponent("zoco")
      process.arguments = arguments
      var environment = ProcessInfo.processInfo.environment
      environment["PATH"] = folder.appendingPathComponent("bin").path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
      environment["ZOCO_TEST_CALLS"] = calls.path
      environment["ZOCO_TEST_DATABASE_URL"] = nil
      process.environment = environment
      let (output, errors) = (Pipe(), Pipe())
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      end.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      end.errors = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      end.status = process.terminationStatus
    }
    end.builds = ((try? String(contentsOf: calls, encoding: .utf8)) ?? "").split(separator: "\n")
    return end
  }

  @Test(arguments: ["typo", "nonsense", "--version", "simm"])
  func aCommandThatIsNotThereIsRefusedWithoutABuild(_ command: String) throws {
    let end = try zoco(command)
    #expect(end.status == 64 && end.output.isEmpty)
    #expect(end.errors.contains("there is no command \"\(command)\""), "\(end.errors)")
    #expect(end.builds.isEmpty)
  }

  @Test func theRefusalNamesEveryCommandThatTheHelpHas() throws {
    let help = try zoco("--help").output
    let commands = Set(help.matches(of: /\.\/zoco ([a-z-]+)/).map { String($0.output.1) })
    let refusal = try zoco("typo").errors
    let named = try #require(refusal.firstMatch(of: /There are: ([a-z, -]+)\./)).output.1.split(separator: ", ")
    #expect(Set(named.map(String.init)) == commands)
  }

  @Test(arguments: [["--help"], ["-h"], ["help"], ["test", "--help"], ["build", "--help"]])
  func helpThatTheScriptHasNeedsNoBuild(_ arguments: [String]) throws {
    let end = try arguments.count == 1 ? zoco(arguments[0]) : zoco(arguments[0], arguments[1])
    #expect(end.status == 0 && end.errors.isEmpty && end.builds.isEmpty, "\(end)")
    #expect(end.output.contains("./zoco"))
  }

  @Test func helpThatNeedsABuildSaysWhy() throws {
    let end = try zoco("sim", "--help", outcome: Self.succeeding)
    #expect(end.output == "zoco: sim --help\n", "\(end)")
    #expect(end.errors.contains("this help is part of zoco, which has to be built first"), "\(end)")
    #expect(end.builds.count == 1)
  }

  @Test func aBuildSaysLittleAndIsMadeOnce() throws {
    let end = try zoco("sim", "last-item", outcome: Self.succeeding, times: 2)
    #expect(end.status == 0 && end.output == "zoco: sim last-item\n", "\(end)")
    #expect(end.errors.isEmpty && end.builds.count == 1, "\(end)")
  }

  @Test func aBuildThatFailsShowsTheEndOfItsLog() throws {
    let end = try zoco("sim")
    #expect(end.status == 1 && end.output.isEmpty)
    #expect(end.errors.contains("the build failed") && end.errors.contains("error: it does not compile"), "\(end)")
  }

  @Test(arguments: ["reserve", "orders"])
  func wrongUseOfTheBenchIsToldBeforeAServerStarts(bench: String) throws {
    let end = try zoco("bench", bench, "--seconds", "0", outcome: Self.succeeding)
    #expect(end.status == 64, "\(end)")
    #expect(end.output == "zoco: bench \(bench) --seconds 0 --only-check\n", "\(end)")
    #expect(end.builds.count == 1 && !end.errors.contains("postgres"), "\(end)")
  }
}
