import ArgumentParser
import Inventory
import ServiceKit

/// `zocod inventory`: the service.
struct InventoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inventory",
    abstract: "Serve the inventory over HTTP.",
    discussion: """
      It listens on INVENTORY_HOST and INVENTORY_PORT (0.0.0.0 and 8080). It does not start on a database that cannot \
      be reached, or that lacks migrations. With RABBITMQ_URL its events are published; the broker may be down. \
      With REDIS_URL reads are answered from that cache for CACHE_TTL seconds (aggregations: CACHE_AGGREGATE_TTL); it \
      may be down, too. SIGTERM and SIGINT end it: it accepts no more, answers what is under way, \
      for at most SHUTDOWN_TIMEOUT milliseconds, and closes its connections.

      Example:
        DATABASE_URL=postgresql://zoco@localhost/inventory INVENTORY_PORT=8080 zocod inventory
      """)

  func run() async throws {
    try await Exit.explaining {
      let runtime = try Runtime(label: "inventory")
      try await runtime.requireMigrations(of: .inventory)
      try await serve(runtime)
    }
  }

  private func serve(_ runtime: Runtime) async throws {
    let configuration = runtime.configuration
    let service = InventoryService(
      environment: runtime.environment, connector: runtime.connector, broker: runtime.broker,
      cache: runtime.cache,
      configuration: InventoryConfiguration(
        reservationTimeToLiveSeconds: Int(configuration.reservationTTL.components.seconds),
        expiryInterval: configuration.expiryInterval, pool: configuration.poolOptions,
        cachePool: configuration.cachePoolOptions,
        cache: StockCache.Options(itemLife: configuration.cacheTTL, aggregateLife: configuration.aggregateTTL),
        requests: configuration.handlerOptions))
    try await ServiceProcess(
      name: "inventory", handler: service.handler, host: configuration.host, port: configuration.port,
      settingsPrefix: "INVENTORY", shutdownTimeout: configuration.shutdownTimeout, environment: runtime.environment,
      work: { try await service.run() }, shutdown: { await service.shutdown(deadline: $0) }
    ).run()
  }
}
