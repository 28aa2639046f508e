import Hummingbird
package import InventoryAPI
import Logging
package import Payments
package import Seams
package import ServiceKit

/// The orders service: what answers its requests and what it does by itself.
///
/// It takes everything from outside through `init` and starts nothing on its own: the caller passes requests to
/// ``handler`` and runs ``run()`` beside it.
package final class OrdersService: Sendable {
  /// Answers the service's requests.
  package let handler: any HTTPHandler
  /// Its database, for the seeder and for figures.
  package let database: OrdersDatabase

  private let environment: ServiceEnvironment
  private let pool: SQLPool
  private let committer: OrderCommitter
  private let engine: SagaEngine
  private let waits: OrderWaits
  private let notifications: NotificationDelivery
  /// `nil` without a broker: events then wait in the outbox, and leases' ends take the place of the inventory's news.
  private let publisher: OutboxPublisher?
  private let consumer: InboxConsumer?
  private let letters: DeadLetterStore
  private let retention: Retention
  private let drain = GracefulDrain()
  private let stopped = Doorbell()

  /// A service over the database that `connector` opens, whose migrations have run.
  ///
  /// - Parameters:
  ///   - inventory: where stock is reserved.
  ///   - payments: who takes the customers' money.
  ///   - broker: where its events are published and the inventory's are consumed; without one they wait.
  ///   - webhook: where customers' notifications are posted; without one they are written into the log.
  package init(
    environment: ServiceEnvironment, connector: any SQLConnector, inventory: any InventoryClient,
    payments: any PaymentProvider, broker: (any BrokerConnector)? = nil, webhook: NotificationWebhook? = nil,
    configuration: OrdersConfiguration = OrdersConfiguration()
  ) {
    self.environment = environment
    let pool = SQLPool(connector: connector, environment: environment, options: configuration.pool)
    let bell = Doorbell()
    let database = OrdersDatabase(pool: pool, environment: environment, bell: bell)
    let waits = OrderWaits(database: database, interval: configuration.waitInterval)
    let notifications = NotificationDelivery(
      database: database, webhook: webhook, options: configuration.notifications,
      groupCommit: configuration.groupCommit)
    let engine = SagaEngine(
      database: database, calls: SagaCalls(inventory: inventory, payments: payments),
      options: SagaEngine.Options(
        concurrency: configuration.concurrency, pollInterval: configuration.pollInterval, times: configuration.times,
        groupCommit: configuration.groupCommit),
      didSettle: { orderId in
        waits.settle(orderId)
        notifications.wake()
      })
    (self.pool, self.database, self.waits, self.engine) = (pool, database, waits, engine)
    self.notifications = notifications
    committer = OrderCommitter(
      database: database, options: configuration.groupCommit, owner: engine.owner, lease: configuration.times.lease,
      begin: { engine.begin($0) })
    publisher = broker.map { broker in
      OutboxPublisher(
        pool: pool, connector: broker, topology: OrderEvent.topology, routes: OrderEvent.routes, doorbell: bell,
        environment: environment, options: configuration.outbox)
    }
    consumer = broker.map { broker in
      let handler: InboxConsumer.Handler = { try await OrdersDatabase.take($0, $1, $2) }
      let types = [
        "InventoryReserved", "InventoryConfirmed", "InventoryReleased", "StockDepleted", "StockReplenished",
      ]
      return InboxConsumer(
        queue: EventTopology.ordersInventoryEvents,
        handlers: Dictionary(uniqueKeysWithValues: types.map { ($0, handler) }), isNews: OrdersDatabase.isNews,
        pool: pool, connector: broker, environment: environment, options: configuration.inbox,
        didCommit: { engine.wake() })
    }
    retention = Retention(
      [
        Retention.Rule("idempotency_keys", after: "created_at", .days(1)), Retention.outbox,
        Retention.Rule(
          "inbox", after: "received_at", .days(30), where: "processed_at < now() - interval '30 days'"),
        Retention.Rule("notifications", after: "delivered_at", .days(30)),
      ], pool: pool, environment: environment)
    letters = DeadLetterStore(
      pool: pool, connector: broker, topology: EventTopology.ordersInventoryEvents.topology, environment: environment)
    let authentication = ServiceAuthentication(secret: configuration.secret)
    let router = Router(context: ServiceContext.self)
    OrdersRoutes(
      database: database, committer: committer, engine: engine, waits: waits,
      authentication: authentication
    ).add(to: router)
    AdminRoutes(
      database: database, engine: engine, letters: letters, authentication: authentication,
      pages: OperationsPages(entropy: environment.entropy)
    ).add(to: router)
    HealthRoutes(checks: [.database(pool)], environment: environment, drain: drain).add(to: router)
    var requests = configuration.requests
    requests.formPrefix = AdminRoutes.formPrefix
    handler = ServiceHandler(router: router, environment: environment, options: requests, drain: drain)
  }

  /// Makes orders, drives sagas, tells customers, publishes and consumes events and keeps the pool, until
  /// ``shutdown(deadline:)`` or cancellation.
  ///
  /// - Throws: `CancellationError` when the task is cancelled; what a task of the service died of.
  package func run() async throws {
    defer { letters.shutdown() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.pool.run() }
      group.addTask { try await self.committer.run() }
      group.addTask { try await self.engine.run() }
      group.addTask { try await self.waits.run() }
      group.addTask { try await self.notifications.run() }
      group.addTask { try await self.retention.run() }
      if let publisher { group.addTask { try await publisher.run() } }
      if let consumer { group.addTask { try await consumer.run() } }
      group.addTask {
        try await self.stopped.wait()
        throw Stopped()
      }
      do {
        while try await group.next() != nil {}
      } catch is Stopped {
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
    }
  }

  private struct Stopped: Error {}

  /// Refuses new requests, finishes those under way, the steps of sagas and the notifications that are being sent, publishes
  /// events, closes the connections and lets ``run()`` return.
  ///
  /// - Returns: how many requests were still under way at `deadline`.
  @discardableResult
  package func shutdown(deadline: MonotonicInstant) async -> Int {
    let left = await drain.drain(until: deadline, clock: environment.clock)
    committer.finish()
    consumer?.finish()
    letters.shutdown()
    await engine.finish(by: deadline)
    // A receiver that hangs must not take the publisher's time.
    async let told: Void = notifications.finish(by: deadline)
    await publisher?.finish(by: deadline)
    await told
    await pool.shutdown(deadline: deadline)
    stopped.ring()
    return left
  }
}
