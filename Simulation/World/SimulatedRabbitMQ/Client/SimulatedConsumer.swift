import DequeModule
import Seams
import SimulationKernel

/// The deliveries of one consumer that have arrived: at most its prefetch.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class SimulatedConsumer: BrokerDeliverySource, @unchecked Sendable {
  enum End {
    /// Cancelled by the program.
    case finished
    case failed(BrokerError)
  }

  private let process: SimulatedProcess
  private var arrived: Deque<BrokerDelivery> = []
  private var reader: PendingWait?
  private var end: End?

  init(process: SimulatedProcess) { self.process = process }

  func push(_ delivery: BrokerDelivery) {
    arrived.append(delivery)
    reader?.resume()
  }

  /// No more will arrive. After a failure of the channel, tags of what has arrived mean nothing any more.
  func end(_ end: End) {
    guard self.end == nil else { return }
    self.end = end
    if case .failed(let error) = end, error.code != .consumerEnded { arrived = [] }
    reader?.resume()
  }

  func next() async throws -> BrokerDelivery? {
    try process.checkAlive()
    try Task.checkCancellation()
    while true {
      if let next = arrived.popFirst() { return next }
      switch end {
      case .finished: return nil
      case .failed(let error): throw error
      case nil: break
      }
      let wait = process.pendingWait("a delivery of RabbitMQ")
      reader = wait
      defer { reader = nil }
      try await wait.wait()
    }
  }
}
