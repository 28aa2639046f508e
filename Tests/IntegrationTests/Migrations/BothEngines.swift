import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulationKernel
import Synchronization

/// What was seen on the two engines.
struct BothEngines<Seen: Sendable & Equatable>: Sendable {
  let live: Seen
  let simulated: Seen

  /// Runs `observe` on an empty database of each engine.
  static func observe(
    _ observe: @escaping @Sendable (any SQLConnector, ServiceEnvironment) async throws -> Seen
  ) async throws -> BothEngines {
    let live = try await LiveDatabase.with { try await observe($0.connector, .live) }
    return BothEngines(live: live, simulated: try simulate(observe))
  }

  private static func simulate(
    _ observe: @escaping @Sendable (any SQLConnector, ServiceEnvironment) async throws -> Seen
  ) throws -> Seen {
    let kernel = SimulationKernel(seed: 1)
    let server = SimulatedPostgresServer(host: kernel.host("database"), network: Network(kernel: kernel))
    let seen = Mutex<Seen?>(nil)
    let outcome = kernel.run { process in
      let environment = ServiceEnvironment(
        clock: process.clock, wallClock: process.wallClock, entropy: process.entropy, logger: .silent)
      let value = try await observe(server.connector(for: process), environment)
      seen.withLock { $0 = value }
    }
    kernel.reap()
    guard case .finished = outcome, let value = seen.withLock({ $0 }) else {
      throw ConformanceFailure("the simulated run ended with \(outcome)")
    }
    return value
  }
}

extension ServiceEnvironment {
  /// A deadline that only a hang reaches.
  var soon: MonotonicInstant { clock.now.advanced(by: .seconds(30)) }
}
