import HTTPLive
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

/// A service as a process: it listens until SIGTERM or SIGINT, then finishes what is under way.
struct ServiceProcess {
  /// The service's name.
  let name: String
  /// Answers its requests.
  let handler: any HTTPHandler
  /// Where it listens.
  let host: String
  /// The port; 0 lets the system choose.
  let port: Int
  /// What the variables of host and port begin with: `INVENTORY`.
  let settingsPrefix: String
  /// How long it waits for what is under way.
  let shutdownTimeout: Duration
  /// The live sides of the seams.
  let environment: ServiceEnvironment
  /// What the service does by itself, until it was shut down.
  let work: @Sendable () async throws -> Void
  /// Ends the service by a deadline and tells how many requests were given up.
  let shutdown: @Sendable (MonotonicInstant) async -> Int

  /// Runs until it is told to stop.
  ///
  /// - Throws: `ConfigurationError` for an address that it cannot have; ``ShutdownTimedOut``; what the service died of.
  func run() async throws {
    let logger = environment.logger
    let server = LiveHTTPServer(
      handler: handler, configuration: LiveHTTPServerConfiguration(host: host, port: port), logger: logger
    ) { address in
      logger.notice("listening", metadata: ["address": "\(address)"])
    }
    // They end in the reverse order: first nothing new comes in, then what the requests need goes.
    var group = ServiceGroupConfiguration(
      services: [
        .init(service: Lifecycle(process: self)), .init(service: HTTPListener(server: server, process: self)),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    group.maximumGracefulShutdownDuration = shutdownTimeout
    group.maximumCancellationDuration = .seconds(5)
    do {
      try await ServiceGroup(configuration: group).run()
    } catch is CancellationError {
      throw ShutdownTimedOut(limit: shutdownTimeout)
    }
    logger.notice("stopped")
  }
}

/// The HTTP server under a service group's signals. An address that it cannot have is a wrong setting.
private struct HTTPListener: Service, CustomStringConvertible {
  let server: LiveHTTPServer
  let process: ServiceProcess

  /// The group logs what it runs: a name, not all that it holds.
  var description: String { "HTTP server" }

  func run() async throws {
    do {
      try await server.run()
    } catch let error as IOError {
      throw refused(error)
    } catch let error as SocketAddressError.UnknownHost {
      throw wrong("HOST", "cannot listen on \"\(error.host)\": no such host is known. Name an address of this machine")
    }
  }

  private func refused(_ error: IOError) -> ConfigurationError {
    let (host, port) = (process.host, process.port)
    switch error.errnoCode {
    case EADDRINUSE:
      return wrong("PORT", "port \(port) is in use: end what listens there (`ss -ltnp` shows it) or set another port")
    case EACCES:
      return wrong("PORT", "this user may not listen on port \(port): set a port from 1024 on")
    default:
      return wrong("HOST", "cannot listen on \"\(host)\": \(String(cString: strerror(error.errnoCode)))")
    }
  }

  private func wrong(_ setting: String, _ message: String) -> ConfigurationError {
    ConfigurationError(issues: [.init(variable: "\(process.settingsPrefix)_\(setting)", message: message)])
  }
}

/// The service itself under a service group's signals.
private struct Lifecycle: Service, CustomStringConvertible {
  let process: ServiceProcess

  var description: String { "\(process.name) service" }

  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await process.work() }
      group.addTask {
        try await gracefulShutdown()
        let deadline = process.environment.clock.now.advanced(by: process.shutdownTimeout)
        let left = await process.shutdown(deadline)
        if left > 0 {
          process.environment.logger.warning("requests were given up", metadata: ["requests": "\(left)"])
        }
      }
      try await group.waitForAll()
    }
  }
}
