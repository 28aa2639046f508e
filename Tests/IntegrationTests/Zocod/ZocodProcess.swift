import Foundation
import HTTPLive
import NIOCore
import ServiceKit

/// A running `zocod`: the executable that was built beside these tests, with an environment of its settings alone.
final class ZocodProcess: Sendable {
  /// How it ended and all that it said.
  struct End: Sendable {
    /// The exit code; 128 and the signal's number when a signal ended it.
    let status: Int32
    /// Standard output.
    let output: String
    /// Standard error.
    let log: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  private let process = Process()
  private let output: PipeReader
  private let log: PipeReader
  private let ended: AsyncStream<Int32>

  /// Starts `zocod` with `arguments`.
  init(_ arguments: [String], settings: [String: String]) throws {
    let directory = (Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0]))
      .resolvingSymlinksInPath().deletingLastPathComponent()
    process.executableURL = directory.appendingPathComponent("zocod")
    process.arguments = arguments
    process.environment = settings
    process.standardInput = FileHandle.nullDevice
    let (output, log) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = log
    let (ended, ending) = AsyncStream.makeStream(of: Int32.self)
    self.ended = ended
    process.terminationHandler = { process in
      ending.yield(process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus)
      ending.finish()
    }
    self.output = PipeReader(output.fileHandleForReading)
    self.log = PipeReader(log.fileHandleForReading)
    try process.run()
  }

  /// Runs `zocod` to its end.
  static func run(_ arguments: [String], settings: [String: String]) async throws -> End {
    try await ZocodProcess(arguments, settings: settings).end()
  }

  /// Runs `body` with a service of `zocod` once it listens. Whatever `body` leaves behind is killed.
  static func serving<Value>(
    _ command: String = "inventory", settings: [String: String],
    _ body: (ZocodProcess, LiveHTTPServerAddress) async throws -> Value
  ) async throws -> Value {
    let service = try ZocodProcess([command], settings: settings)
    defer { service.kill() }
    return try await body(service, try await service.address())
  }

  /// Where it listens, by its log.
  private func address() async throws -> LiveHTTPServerAddress {
    let seen = await log.read { $0.contains("\"listening\"") && $0.hasSuffix("\n") }
    for line in seen.split(separator: "\n") {
      let event = try StrictJSON.parse(ByteBuffer(string: String(line)))
      guard event["message"]?.string == "listening" else { continue }
      let address = event["metadata"]?["address"]?.string ?? ""
      let parts = address.split(separator: ":")
      guard parts.count == 2, let port = Int(parts[1]) else { break }
      return LiveHTTPServerAddress(host: String(parts[0]), port: port)
    }
    throw ConformanceFailure("zocod does not listen: \(seen)")
  }

  /// Sends SIGTERM.
  func terminate() { process.terminate() }

  /// Waits until it has ended.
  func end() async -> End {
    let (output, log) = (await output.read { _ in false }, await log.read { _ in false })
    let status = await ended.first { _ in true } ?? -1
    return End(status: status, output: output, log: log)
  }

  private func kill() {
    guard process.isRunning else { return }
    Foundation.kill(process.processIdentifier, SIGKILL)
  }
}

/// The text that comes through a pipe.
///
/// `@unchecked Sendable`: a test reads a process from one task.
final class PipeReader: @unchecked Sendable {
  private var parts: AsyncStream<Data>.AsyncIterator
  private var received = Data()

  init(_ handle: FileHandle) {
    let (parts, arriving) = AsyncStream.makeStream(of: Data.self)
    self.parts = parts.makeAsyncIterator()
    // Reading blocks: on a thread of its own.
    let thread = Thread {
      while true {
        let part = handle.availableData
        if part.isEmpty { break }
        arriving.yield(part)
      }
      arriving.finish()
    }
    thread.start()
  }

  /// All that has come once `isEnough` of it has come, or the pipe has ended.
  func read(until isEnough: (String) -> Bool) async -> String {
    while !isEnough(String(decoding: received, as: UTF8.self)), let part = await parts.next(isolation: nil) {
      received.append(part)
    }
    return String(decoding: received, as: UTF8.self)
  }
}
