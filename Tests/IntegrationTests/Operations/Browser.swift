import Foundation
import HTTPLive

/// A headless Chromium, started anew for each page, with a profile of its own.
struct Browser: Sendable {
  /// What a page came to.
  struct Shown: Sendable {
    /// The document as it stands once it has loaded, scripts run.
    var document: String
    /// What the browser wrote besides, its console among it.
    var log: String
  }

  /// What `./zoco test` found or installed; `nil` where there is none, as on a system without the package.
  static let path = ProcessInfo.processInfo.environment["ZOCO_TEST_BROWSER"].flatMap { $0.isEmpty ? nil : $0 }

  /// Where pictures of pages are kept for a person to look at, if anybody wants them.
  private static let pictures = ProcessInfo.processInfo.environment["ZOCO_TEST_PICTURES"]

  let address: LiveHTTPServerAddress

  /// Opens a page in a window of a width.
  ///
  /// - Parameter picture: under which name a picture is kept.
  func open(_ path: String, width: Int, isDark: Bool = false, picture: String? = nil) async throws -> Shown {
    let profile = FileManager.default.temporaryDirectory.appendingPathComponent("zoco-browser-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: profile) }
    var arguments = [
      "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
      "--enable-logging=stderr", "--virtual-time-budget=10000", "--user-data-dir=\(profile.path)",
      "--window-size=\(width),\(width < 600 ? 2_600 : 1_400)",
    ]
    if isDark { arguments.append("--blink-settings=preferredColorScheme=0") }
    let url = "http://\(address)\(path)"
    if let picture, let folder = Self.pictures {
      _ = try await run(arguments + ["--screenshot=\(folder)/\(picture).png", url])
    }
    let shown = try await run(arguments + ["--dump-dom", url])
    guard shown.document.contains("</html>") else {
      throw ConformanceFailure("the browser showed no page: \(shown.document.prefix(500)) \(shown.log.suffix(1_000))")
    }
    return shown
  }

  private func run(_ arguments: [String]) async throws -> Shown {
    guard let path = Self.path else { throw ConformanceFailure("there is no browser: run ./zoco test") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "40", path] + arguments
    process.standardInput = FileHandle.nullDevice
    let (output, log) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, log)
    let (written, noted) = (PipeReader(output.fileHandleForReading), PipeReader(log.fileHandleForReading))
    let (ended, ending) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = { process in
      ending.yield(process.terminationStatus)
      ending.finish()
    }
    try process.run()
    let shown = Shown(document: await written.read { _ in false }, log: await noted.read { _ in false })
    let status = await ended.first { _ in true } ?? -1
    guard status == 0 else { throw ConformanceFailure("the browser ended with \(status): \(shown.log.suffix(1_000))") }
    return shown
  }
}
