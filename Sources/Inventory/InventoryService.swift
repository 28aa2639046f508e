import Hummingbird
import Logging
package import Seams
package import ServiceKit

/// The inventory service: what answers its requests and what it does by itself.
///
/// It takes everything from outside through `init` and starts nothing on its own: the caller passes requests to
/// ``handler`` and runs ``run()`` beside it.
package final class InventoryService: Sendable {
  /// Answers the service's requests.
  package let handler: any HTTPHandler
  /// Its database, for the seeder and for figures.
  package let database: InventoryDatabase

  private let environment: ServiceEnvironment
  private let configuration: InventoryConfiguration
  private let pool: SQLPool
  /// `nil` without a cache: reads then go to the database.
  private let cachePool: CachePool?
  /// What is cached of the stock, for figures; `nil` without a cache.
  package let cache: StockCache?
  private let reserver: ReservationCommitter
  /// `nil` without a broker: events then wait in the outbox.
  private let publisher: OutboxPublisher?
  private let retention: Retention
  private let drain = GracefulDrain()
  private let stopped = Doorbell()

  /// A service over the database that `connector` opens, whose migrations have run.
  ///
  /// - Parameters:
  ///   - broker: where its events are published; without one they wait in the outbox.
  ///   - cache: where stock is cached; without one every read asks the database.
  package init(
    environment: ServiceEnvironment, connector: any SQLConnector, broker: (any BrokerConnector)? = nil,
    cache cacheConnector: (any CacheConnector)? = nil,
    configuration: InventoryConfiguration = InventoryConfiguration()
  ) {
    self.environment = environment
    self.configuration = configuration
    let pool = SQLPool(connector: connector, environment: environment, options: configuration.pool)
    let bell = Doorbell()
    self.pool = pool
    publisher = broker.map { broker in
      OutboxPublisher(
        pool: pool, connector: broker, topology: InventoryEvent.topology, routes: InventoryEvent.routes, doorbell: bell,
        environment: environment, options: configuration.outbox)
    }
    cachePool = cacheConnector.map {
      CachePool(connector: $0, environment: environment, options: configuration.cachePool)
    }
    let cache = cachePool.map { StockCache(client: $0, environment: environment, options: configuration.cache) }
    self.cache = cache
    database = InventoryDatabase(pool: pool, environment: environment, bell: bell, cache: cache)
    retention = Retention(
      [Retention.Rule("idempotency_keys", after: "created_at", .days(30)), Retention.outbox], pool: pool,
      environment: environment)
    reserver = ReservationCommitter(database: database, options: configuration.groupCommit)
    let router = Router(context: ServiceContext.self)
    InventoryRoutes(
      database: database, reader: StockReader(database: database, cache: cache), reserver: reserver,
      configuration: configuration
    ).add(to: router)
    HealthRoutes(checks: [.database(pool)], environment: environment, drain: drain).add(to: router)
    handler = ServiceHandler(
      router: router, environment: environment, options: configuration.requests, drain: drain)
  }

  /// Commits reservations, expires due ones, publishes events, removes old rows and keeps
  /// the pools, until ``shutdown(deadline:)`` or cancellation.
  ///
  /// - Throws: `CancellationError` when the task is cancelled; what a task of the service died of.
  package func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.pool.run() }
      group.addTask { try await self.reserver.run() }
      group.addTask { try await self.expireRegularly() }
      group.addTask { try await self.retention.run() }
      if let publisher { group.addTask { try await publisher.run() } }
      if let cachePool { group.addTask { try await cachePool.run() } }
      if let cache { group.addTask { try await cache.cache.run() } }
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

  /// Refuses new requests, finishes those under way, publishes their events, closes the connections and lets ``run()``
  /// return.
  ///
  /// - Returns: how many requests were still under way at `deadline`.
  @discardableResult
  package func shutdown(deadline: MonotonicInstant) async -> Int {
    let left = await drain.drain(until: deadline, clock: environment.clock)
    reserver.finish()
    await publisher?.finish(by: deadline)
    await pool.shutdown(deadline: deadline)
    // Nothing commits any more. A cache that is gone is not waited for until the deadline.
    await cache?.cache.finish(by: min(deadline, environment.clock.now.advanced(by: .seconds(2))))
    await cachePool?.shutdown(deadline: deadline)
    stopped.ring()
    return left
  }

  /// The expiry job. A database that fails is tried again at the next turn; anything else ends the service.
  private func expireRegularly() async throws {
    let clock = environment.clock
    while true {
      let pause = environment.entropy.jittered(configuration.expiryInterval, spread: 0.1)
      try await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
      do {
        let result = try await database.expireDue(
          batchSize: configuration.expiryBatchSize, correlationId: database.ids.next(),
          deadline: clock.now.advanced(by: configuration.expiryTimeout))
        if result.expired > 0 {
          environment.logger.info(
            "expired reservations",
            metadata: [
              "reservations": .stringConvertible(result.expired), "units": .stringConvertible(result.unitsReturned),
            ])
        }
      } catch let error as SQLError {
        environment.logger.warning("expiring reservations failed", metadata: ["error": .string("\(error)")])
      }
    }
  }
}
