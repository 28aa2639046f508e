import Foundation
import Glibc

/// A running service of `zocod` on a free loopback port.
final class ServiceProcess {
  let port: UInt16
  private let process = Process()

  /// Starts a service and waits until it is ready.
  ///
  /// - Parameters:
  ///   - name: the command of `zocod`, whose port is in the variable `NAME_PORT`.
  ///   - settings: its environment variables.
  /// - Throws: ``KeepAliveClient/Failure`` when it is not ready within 20 s.
  init(_ name: String, _ settings: [String: String]) throws {
    port = try Self.freePort()
    process.executableURL = URL(fileURLWithPath: Subprocess.sibling("zocod"))
    process.arguments = [name]
    let own = ["\(name.uppercased())_PORT": String(port), "LOG_LEVEL": "error"]
    process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }.merging(own) { $1 }
    try process.run()
    let started = ContinuousClock.now
    let probe = KeepAliveClient(port: port, connections: 1)
    let request = Array("GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8)
    while true {
      if let outcome = try? probe.run(seconds: 0, request: { $0 += request }), outcome.succeeded > 0 { return }
      guard process.isRunning, started.duration(to: .now) < .seconds(20) else {
        stop()
        throw KeepAliveClient.Failure(description: "zocod \(name) was not ready on port \(port) within 20 s")
      }
      usleep(50_000)
    }
  }

  /// Ends the service as an operator would, and waits for it.
  func stop() {
    guard process.isRunning else { return }
    process.terminate()
    process.waitUntilExit()
  }

  /// A port that nobody listens on now.
  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
      }
    }
    guard result == 0 else { throw KeepAliveClient.Failure(description: "no free port: \(errno)") }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// What numbers were measured on.
enum Machine {
  /// Cores and the processor's name.
  static var description: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    let name = model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    return "\(ProcessInfo.processInfo.activeProcessorCount) cores, \(name)"
  }

  /// How many processes ran or wanted to, on average over the last minute.
  static var load: String {
    let averages = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)
    return averages?.split(separator: " ").first.map(String.init) ?? "unknown"
  }
}
