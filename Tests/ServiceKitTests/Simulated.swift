import Logging
import Seams
import ServiceKit
import SimulationKernel
import Synchronization
import Testing

extension Logger {
  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// Runs `body` in the simulator on virtual time and expects it to finish.
func simulate(
  seed: UInt64 = 1, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: @escaping @Sendable (ServiceEnvironment) async throws -> Void
) {
  let kernel = SimulationKernel(seed: seed)
  let outcome = kernel.run { process in
    try await body(
      ServiceEnvironment(
        clock: process.clock, wallClock: process.wallClock, entropy: process.entropy, logger: .silent))
  }
  #expect(outcome == .finished, sourceLocation: sourceLocation)
  #expect(kernel.reap().isEmpty, sourceLocation: sourceLocation)
}

extension ServiceEnvironment {
  func sleep(_ duration: Duration) async throws {
    try await clock.sleep(until: clock.now.advanced(by: duration), tolerance: nil)
  }

  func after(_ duration: Duration) -> MonotonicInstant { clock.now.advanced(by: duration) }
}

/// A list that tasks append to.
final class Log<Entry: Sendable>: Sendable {
  private let list = Mutex<[Entry]>([])

  var entries: [Entry] { list.withLock { $0 } }

  func append(_ entry: Entry) { list.withLock { $0.append(entry) } }
}
