public import Seams
internal import Synchronization

/// Opens connections to RabbitMQ through librabbitmq.
///
/// Each connection has a thread of its own, which begins by connecting: name resolution, TLS and signing in block it and
/// nobody else. A caller waits no longer than its deadline, whatever the thread is stuck in.
public struct RabbitMQConnector: BrokerConnector {
  let configuration: RabbitMQConfiguration
  let clock: any MonotonicClock

  /// A connector to the broker that `url` names: see ``RabbitMQConfiguration``.
  ///
  /// - Throws: ``BrokerError`` with ``BrokerError/Code/invalidArgument`` when the URL is wrong.
  public init(url: String, clock: any MonotonicClock) throws {
    self.init(configuration: try RabbitMQConfiguration(url: url), clock: clock)
  }

  /// A connector to the broker that `configuration` names.
  ///
  /// - Parameter clock: the clock of every deadline.
  public init(configuration: RabbitMQConfiguration, clock: any MonotonicClock) {
    self.configuration = configuration
    self.clock = clock
  }

  public func connect(deadline: MonotonicInstant) async throws -> any BrokerConnection {
    try Task.checkCancellation()
    let left = deadline == .distantFuture ? Int64.max : deadline.nanoseconds &- clock.now.nanoseconds
    guard left > 0 else { throw failed("the deadline had passed") }
    let reply = Reply<RabbitMQConnection>()
    let attempt = ConnectAttempt(
      configuration: configuration, clock: clock, reply: reply,
      deadline: left == .max ? .max : ConnectionThread.now &+ left)
    guard ConnectionThread.start({ attempt.run() }) else { throw failed("the system has no thread left") }
    guard deadline != .distantFuture else { return try await reply.value() }
    let clock = clock
    // The thread may be stuck in name resolution when the deadline comes.
    return try await withThrowingTaskGroup(of: RabbitMQConnection?.self) { group in
      group.addTask { try await reply.value() }
      group.addTask {
        try await clock.sleep(until: deadline, tolerance: nil)
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let connection = first else { throw failed("no answer in time") }
      return connection
    }
  }

  private func failed(_ why: String) -> BrokerError {
    BrokerError(.connectFailed, message: "cannot connect to \(configuration): \(why)")
  }
}

/// One call of `connect`, on the thread that becomes the connection's.
struct ConnectAttempt: Sendable {
  let configuration: RabbitMQConfiguration
  let clock: any MonotonicClock
  let reply: Reply<RabbitMQConnection>
  let deadline: Int64

  /// Connects and, if that worked, lives as the connection's thread until its end.
  func run() {
    var failures: [BrokerError] = []
    for (index, host) in configuration.hosts.enumerated() {
      let slice = slice(of: configuration.hosts.count - index)
      guard slice > 0 else { break }
      guard let link = AMQPLink() else { break }
      if let failure = link.connect(to: host, configuration, within: slice) {
        failures.append(failure)
        // A broker that knows us and says no is the right broker.
        if failure.replyCode == .accessRefused || failure.replyCode == .notAllowed { break }
        continue
      }
      let worker = ConnectionWorker(link: link, heartbeat: configuration.heartbeat, clock: clock)
      if !reply.resume(.success(RabbitMQConnection(worker))) { worker.close() }
      worker.run()
      return
    }
    let reasons = failures.isEmpty ? "no answer in time" : failures.map(\.message).joined(separator: "; ")
    reply.resume(
      .failure(
        BrokerError(
          .connectFailed, replyCode: failures.last?.replyCode,
          message: "cannot connect to \(configuration): \(reasons)")))
  }

  /// An equal share of the time left for each host not yet tried, so that a dead one leaves time for the others.
  private func slice(of parts: Int) -> Int64 {
    guard deadline != .max else { return 60_000_000_000 }
    return max(0, deadline - ConnectionThread.now) / Int64(parts)
  }
}
