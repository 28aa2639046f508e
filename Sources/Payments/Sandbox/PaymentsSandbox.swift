import Hummingbird
package import Seams
package import ServiceKit

/// A payment provider that takes no money and fails on demand: each token stands for a behaviour.
///
/// It takes everything from outside through `init` and does nothing on its own: the caller passes requests to
/// ``handler``.
package final class PaymentsSandbox: Sendable {
  /// Answers the sandbox's requests.
  package let handler: any HTTPHandler

  private let environment: ServiceEnvironment
  private let drain = GracefulDrain()

  /// A sandbox.
  ///
  /// - Parameter store: what it remembers; a new process forgets unless it is given one that does not.
  package init(
    environment: ServiceEnvironment, store: any PaymentStore = InMemoryPaymentStore(),
    requests: ServiceHandler.Options = ServiceHandler.Options()
  ) {
    self.environment = environment
    let router = Router(context: ServiceContext.self)
    SandboxRoutes(store: store, environment: environment).add(to: router)
    HealthRoutes(checks: [], environment: environment, drain: drain).add(to: router)
    handler = ConnectionDropper(
      handler: ServiceHandler(router: router, environment: environment, options: requests, drain: drain))
  }

  /// Refuses new requests and finishes those under way.
  ///
  /// - Returns: how many requests were still under way at `deadline`.
  @discardableResult
  package func shutdown(deadline: MonotonicInstant) async -> Int {
    await drain.drain(until: deadline, clock: environment.clock)
  }
}
