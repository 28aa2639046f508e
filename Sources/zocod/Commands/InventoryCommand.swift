import ArgumentParser
import HTTPLive
import Inventory
import Logging
import NIOCore
import Seams
import ServiceKit
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `zocod inventory`: the service.
struct InventoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inventory",
    abstract: "Serve the inventory over HTTP.",
    discussion: """
      It listens on INVENTORY_HOST and INVENTORY_PORT (0.0.0.0 and 8080). It does not start on a database that cannot \
      be reached, or that lacks migrations. With RABBITMQ_URL its events are published; the broker may be down. SIGTERM and SIGINT end it: it accepts no more, answers what is under way, \
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
      environment: runtime.environment, connector: runtime.connector, broker: runtime.broker,
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
    let listener = HTTPListener(server: server, host: configuration.host, port: configuration.port)
    // They end in the reverse order: first nothing new comes in, then what the requests need goes.
    var group = ServiceGroupConfiguration(
      services: [
        .init(service: InventoryLifecycle(service: service, runtime: runtime)), .init(service: listener),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    group.maximumGracefulShutdownDuration = configuration.shutdownTimeout
    group.maximumCancellationDuration = .seconds(5)
    do {
      try await ServiceGroup(configuration: group).run()
    } catch is CancellationError {
      throw ShutdownTimedOut(limit: configuration.shutdownTimeout)
    }
    logger.notice("stopped")
  }
}

/// The HTTP server under a service group's signals. An address that it cannot have is a wrong setting.
private struct HTTPListener: Service, CustomStringConvertible {
  let server: LiveHTTPServer
  let host: String
  let port: Int

  /// The group logs what it runs: a name, not all that it holds.
  var description: String { "HTTP server" }

  func run() async throws {
    do {
      try await server.run()
    } catch let error as IOError {
      throw refused(error, by: [EADDRINUSE, EACCES].contains(error.errnoCode) ? "INVENTORY_PORT" : "INVENTORY_HOST")
    } catch let error as SocketAddressError.UnknownHost {
      throw refused(error, by: "INVENTORY_HOST")
    }
  }

  private func refused(_ error: any Error, by variable: String) -> ConfigurationError {
    ConfigurationError(
      issues: [.init(variable: variable, message: "cannot listen on port \(port) of \"\(host)\": \(error)")])
  }
}

/// The inventory service under a service group's signals.
private struct InventoryLifecycle: Service, CustomStringConvertible {
  let service: InventoryService
  let runtime: Runtime

  var description: String { "inventory service" }

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
