import HTTPLive
import Seams
import Synchronization

/// An HTTP server that a test switches off and on again, on the same port.
final class SwitchableServer: Sendable {
  private struct State {
    var port = 0
    var serving: Task<Void, any Error>?
  }

  private let handler: any HTTPHandler
  private let state = Mutex(State())

  /// Where it listens.
  var authority: String { "127.0.0.1:\(state.withLock(\.port))" }

  init(handler: any HTTPHandler) { self.handler = handler }

  /// Returns once it listens.
  func start() async throws {
    let (addresses, listening) = AsyncStream.makeStream(of: LiveHTTPServerAddress.self)
    let server = LiveHTTPServer(
      handler: handler, configuration: LiveHTTPServerConfiguration(port: state.withLock(\.port)), logger: .silent
    ) { listening.yield($0) }
    let serving = Task {
      defer { listening.finish() }
      try await server.run()
    }
    guard let address = await addresses.first(where: { _ in true }) else {
      try await serving.value
      throw ConformanceFailure("the server ended before it listened")
    }
    state.withLock { ($0.port, $0.serving) = (address.port, serving) }
  }

  /// Returns once nobody listens any more. Its connections are closed, requests under way are cancelled.
  func stop() async {
    let serving = state.withLock { state in
      defer { state.serving = nil }
      return state.serving
    }
    serving?.cancel()
    _ = await serving?.result
  }
}
