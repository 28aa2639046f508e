import ArgumentParser
import HTTPLive
import Inventory
import Logging
import Seams
import ServiceKit
import ServiceLifecycle
import UnixSignals

/// `zocod inventory`: the service.
struct InventoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inventory",
    abstract: "Serve the inventory over HTTP.",
    discussion: """
      It listens on INVENTORY_HOST and INVENTORY_PORT (0.0.0.0 and 8080). It does not start on a database that cannot \
      be reached, or that lacks migrations. SIGTERM and SIGINT end it: it accepts no more, answers what is under way, \
      for at most SHUTDOWN_TIMEOUT milliseconds, and closes its connections.

      Example:
        DATABASE_URL=postgresql://zoco@localhost/inventory INVENTORY_PORT=8080 zocod inventory
      """)

  func run() async throws {
    try await Exit.explaining {
      let runtime = try Runtime(label: "inventory")
      try await runtime.requireMigrations()
      try await serve(runtime)
    }
  }

  private func serve(_ runtime: Runtime) async throws {
    let configuration = runtime.configuration
    let logger = runtime.environment.logger
    let service = InventoryService(
      environment: runtime.environment, connector: runtime.connector,
      configuration: InventoryConfiguration(
        reservationTimeToLiveSeconds: Int(configuration.reservationTTL.components.seconds),
        expiryInterval: configuration.expiryInterval, pool: configuration.poolOptions,
        requests: configuration.handlerOptions))
    let server = LiveHTTPServer(
      handler: service.handler,
      configuration: LiveHTTPServerConfiguration(host: configuration.host, port: configuration.port), logger: logger
    ) { address in
      logger.notice("listening", metadata: ["address": "\(address)"])
    }
    // They end in the reverse order: first nothing new comes in, then what the requests need goes.
    var group = ServiceGroupConfiguration(
      services: [
        .init(service: InventoryLifecycle(service: service, runtime: runtime)), .init(service: server),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    group.maximumGracefulShutdownDuration = configuration.shutdownTimeout
    group.maximumCancellationDuration = .seconds(5)
    try await ServiceGroup(configuration: group).run()
    logger.notice("stopped")
  }
}

/// The inventory service under a service group's signals.
private struct InventoryLifecycle: Service {
  let service: InventoryService
  let runtime: Runtime

  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await service.run() }
      group.addTask {
        try await gracefulShutdown()
        let deadline = runtime.deadline(in: runtime.configuration.shutdownTimeout)
        let left = await service.shutdown(deadline: deadline)
        if left > 0 {
          runtime.environment.logger.warning("requests were given up", metadata: ["requests": "\(left)"])
        }
      }
      try await group.waitForAll()
    }
  }
}
