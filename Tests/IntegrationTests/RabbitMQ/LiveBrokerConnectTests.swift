import Foundation
import Logging
import NIOCore
import RabbitMQ
import Seams
import SeamsLive
import ServiceKit
import Synchronization
import Testing

@Suite("Connecting to a real RabbitMQ, and losing it")
struct LiveBrokerConnectTests {
  private let clock = SystemMonotonicClock()

  private func connector(_ url: String) throws -> RabbitMQConnector { try RabbitMQConnector(url: url, clock: clock) }

  private func after(_ duration: Duration) -> MonotonicInstant { clock.now.advanced(by: duration) }

  /// The test broker's URL with another password, or through other hosts.
  private func url(password: String? = nil, hosts: String? = nil, options: String = "") throws -> String {
    let parts = try #require(URLComponents(string: try LiveBroker.url()))
    let (host, port) = (try #require(parts.host), try #require(parts.port))
    return "amqp://\(parts.user ?? ""):\(password ?? parts.password ?? "")@\(hosts ?? "\(host):\(port)")/%2F\(options)"
  }

  private func port() throws -> Int { try #require(URLComponents(string: try LiveBroker.url())?.port) }

  @Test func aWrongPasswordIsRefusedForGoodAndNotShown() async throws {
    let connector = try connector(url(password: "geheim1"))
    let error = await #expect(throws: BrokerError.self) { try await connector.connect(deadline: after(.seconds(20))) }
    #expect(error?.code == .connectFailed)
    #expect(error?.replyCode == .accessRefused)
    #expect(error?.disposition == .permanent)
    #expect(error?.description.contains("geheim1") == false)
  }

  @Test func aVirtualHostThatIsNotThereIsNamed() async throws {
    let text = try url().replacing("/%2F", with: "/none")
    let error = await #expect(throws: BrokerError.self) {
      try await connector(text).connect(deadline: after(.seconds(20)))
    }
    #expect(error?.replyCode == .notAllowed)
    #expect(error?.message.contains("none") == true)
  }

  @Test func aDeadHostLeavesTimeForTheNext() async throws {
    // 192.0.2.0/24 leads nowhere (RFC 5737); port 1 refuses.
    let connector = try connector(url(hosts: "127.0.0.1:1,192.0.2.1:5672,127.0.0.1:\(port())"))
    let connection = try await connector.connect(deadline: after(.seconds(6)))
    #expect(connection.isOpen)
    connection.close()
  }

  @Test func theDeadlineEndsAConnectThatNobodyAnswers() async throws {
    let relay = try await Relay(to: 1)
    let start = clock.now
    let error = await #expect(throws: BrokerError.self) {
      try await connector(url(hosts: "192.0.2.1:5672")).connect(deadline: after(.milliseconds(300)))
    }
    #expect(error?.code == .connectFailed)
    #expect(error?.disposition == .retryable)
    #expect(start.duration(to: clock.now) < .seconds(5))
    try await relay.stop()
  }

  @Test func cancellingEndsAConnect() async throws {
    let connector = try connector(url(hosts: "192.0.2.1:5672"))
    let deadline = after(.seconds(60))
    let isCancelled = await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          _ = try await connector.connect(deadline: deadline)
          return false
        } catch { return error is CancellationError }
      }
      group.cancelAll()
      return await group.next() ?? false
    }
    #expect(isCancelled)
  }

  @Test func encryptedConnectionsCheckTheCertificate() async throws {
    let url = try LiveBroker.url("ZOCO_TEST_RABBITMQ_TLS_URL")
    let authority = try LiveBroker.url("ZOCO_TEST_RABBITMQ_CA")
    let connection = try await connector(url + "?cacertfile=" + authority).connect(deadline: after(.seconds(20)))
    let channel = try await connection.openChannel(deadline: after(.seconds(20)))
    try await channel.declareExchange(
      BrokerExchange("amq.topic", .topic), passive: true, deadline: after(.seconds(20)))
    connection.close()
    let error = await #expect(throws: BrokerError.self) {
      try await connector(url).connect(deadline: after(.seconds(20)))
    }
    #expect(error?.code == .connectFailed)
  }

  @Test func aCutLineIsNoticedByEverybodyWhoWaits() async throws {
    let relay = try await Relay(to: port())
    let connection = try await connector(url(hosts: "127.0.0.1:\(relay.port)")).connect(deadline: after(.seconds(20)))
    let channel = try await connection.openChannel(deadline: after(.seconds(20)))
    let queue = BrokerQueue(
      "t" + UUID().uuidString.lowercased(), isDurable: false, isExclusive: true)
    _ = try await channel.declareQueue(queue, passive: false, deadline: after(.seconds(20)))
    let deliveries = try await channel.consume(
      queue.name, prefetch: 1, isExclusive: false, deadline: after(.seconds(20)))
    try await relay.cut()
    let error = await #expect(throws: BrokerError.self) { for try await _ in deliveries {} }
    #expect(error?.code == .connectionLost)
    #expect(!connection.isOpen && !channel.isOpen)
    let late = await #expect(throws: BrokerError.self) {
      try await channel.publish(
        BrokerPublication(exchange: "", routingKey: "x", message: BrokerMessage(body: ByteBuffer())),
        deadline: after(.seconds(20)))
    }
    #expect(late?.code == .closed)
    try await relay.stop()
  }

  /// Calls that reach the connection's thread together with the one that meets the line's end are answered too.
  @Test func nobodyWaitsForEverWhenTheLineIsCutUnderManyCalls() async throws {
    let relay = try await Relay(to: port())
    for _ in 0..<20 {
      let connection = try await connector(url(hosts: "127.0.0.1:\(relay.port)")).connect(deadline: after(.seconds(20)))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<16 {
          group.addTask {
            while connection.isOpen {
              do {
                // The connection's thread keeps the inner deadline, and must still be there to do so.
                let channel = try await withDeadline(after(.seconds(10)), clock: clock) {
                  try await connection.openChannel(deadline: after(.seconds(5)))
                }
                channel.close()
              } catch is BrokerError {}
            }
          }
        }
        group.addTask {
          try await clock.sleep(for: .milliseconds(20))
          try await relay.cut()
        }
        try await group.waitForAll()
      }
    }
    try await relay.stop()
  }

  @Test func aSilentLineMeetsTheDeadlineAndThenTheHeartbeat() async throws {
    let relay = try await Relay(to: port())
    let connection = try await connector(url(hosts: "127.0.0.1:\(relay.port)", options: "?heartbeat=1"))
      .connect(deadline: after(.seconds(20)))
    let channel = try await connection.openChannel(deadline: after(.seconds(20)))
    try await relay.freeze()
    let outcomes = try await channel.publish(
      [BrokerPublication(exchange: "", routingKey: "x", message: BrokerMessage(body: ByteBuffer()))],
      deadline: after(.milliseconds(200)))
    guard case .failed(let error) = outcomes[0] else {
      Issue.record("\(outcomes)")
      return
    }
    #expect(error.code == .deadlineExceeded)
    #expect(error.disposition == .ambiguous)
    let dead = await #expect(throws: BrokerError.self) {
      try await channel.declareExchange(
        BrokerExchange("amq.topic", .topic), passive: true, deadline: after(.seconds(20)))
    }
    #expect(dead?.code == .connectionLost)
    #expect(!connection.isOpen)
    try await relay.stop()
  }

  @Test func aSessionComesBackWithItsConsumers() async throws {
    let relay = try await Relay(to: port())
    let queue = BrokerQueue("t" + UUID().uuidString.lowercased())
    let session = BrokerSession(
      connector: try connector(url(hosts: "127.0.0.1:\(relay.port)")), topology: BrokerTopology(queues: [queue]),
      environment: ServiceEnvironment(
        clock: clock, wallClock: SystemWallClock(), entropy: SystemEntropy(), logger: Logger(label: "test")))
    let (handled, more) = AsyncStream.makeStream(of: String.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await session.consume(queue.name, prefetch: 4) { delivery, channel in
          try channel.acknowledge(delivery.tag)
          more.yield(delivery.message.messageID ?? "")
        }
      }
      let publisher = ConfirmingPublisher(session: session)
      var arrivals = handled.makeAsyncIterator()
      for round in 0..<3 {
        let message = BrokerMessage(body: ByteBuffer(), messageID: "\(round)")
        let publication = BrokerPublication(exchange: "", routingKey: queue.name, message: message)
        // A publisher may meet the dead line first: it is told, and tries again.
        var isConfirmed = false
        for _ in 0..<20 where !isConfirmed {
          isConfirmed = try await publisher.publish([publication], deadline: after(.seconds(20)))[0].isConfirmed
        }
        #expect(isConfirmed)
        while let id = await arrivals.next(), id != "\(round)" {}
        try await relay.cut()
      }
      let channel = try await session.channel(deadline: after(.seconds(20)))
      _ = try await channel.deleteQueue(queue.name, ifUnused: false, ifEmpty: false, deadline: after(.seconds(20)))
      session.shutdown()
      try await group.waitForAll()
    }
    #expect(session.connectionCount >= 3)
    try await relay.stop()
  }
}
