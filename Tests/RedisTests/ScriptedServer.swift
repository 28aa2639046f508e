import Glibc
import Logging
import Reactor
import Seams
import SeamsLive
import Synchronization

@testable import Redis

/// A server on loopback that signs clients in and then says what the test tells it to, for what Redis itself does not do
/// on demand. It serves one client at a time, on a thread of its own.
final class ScriptedServer: Sendable {
  /// What it answers to what it received: `nil` ends the conversation.
  typealias Script = @Sendable (_ received: String) -> String?

  let port: UInt16
  private let listener: Int32

  /// - Parameters:
  ///   - signIn: the answer to the sign-in.
  init(signIn: String = "+OK\r\n+OK\r\n", _ script: @escaping Script) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        precondition(bind(listener, raw, size) == 0 && listen(listener, 8) == 0, "no port: errno \(errno)")
        getsockname(listener, raw, &size)
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    self.listener = listener
    HelperThread.start {
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { break }
        ScriptedServer.serve(client, signIn, script)
        close(client)
      }
      close(listener)
    }
  }

  /// Ends `accept`. The thread closes the listener: before that its number must not become another server's.
  deinit { Glibc.shutdown(listener, Int32(SHUT_RDWR)) }

  private static func serve(_ client: Int32, _ signIn: String, _ script: Script) {
    var isSignedIn = false
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(client, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      let received = String(decoding: buffer[..<count], as: UTF8.self)
      guard let answer = isSignedIn ? script(received) : signIn else { return }
      isSignedIn = true
      let bytes = Array(answer.utf8)
      _ = Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
  }

  func connect(_ url: String? = nil, within limit: Duration = .seconds(5)) async throws -> any CacheConnection {
    let connector = try RedisConnector(
      configuration: RedisConfiguration(url: url ?? "redis://127.0.0.1:\(port)"), clock: Clocks.system,
      logger: Logger(label: "test"), reactor: Clocks.reactor)
    return try await connector.connect(deadline: Clocks.after(limit))
  }
}

/// The live clock, and one reactor for all tests.
enum Clocks {
  static let system = SystemMonotonicClock()
  static let reactor = Reactor()

  static func after(_ duration: Duration) -> MonotonicInstant { system.now.advanced(by: duration) }
}
