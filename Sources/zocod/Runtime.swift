import ArgumentParser
import Configuration
import Foundation
import Inventory
import Logging
import Orders
import Postgres
import RabbitMQ
import Redis
import Seams
import SeamsLive
import ServiceKit

/// What every command needs: settings, the live sides of the seams, and the ways to the database, the broker and the
/// cache.
struct Runtime {
  let configuration: ServiceConfiguration
  let environment: ServiceEnvironment
  let connector: any SQLConnector
  /// `nil` when no broker is configured.
  let broker: (any BrokerConnector)?
  /// `nil` when no cache is configured.
  let cache: (any CacheConnector)?

  /// Reads the environment.
  ///
  /// - Parameter label: the logger's name.
  /// - Throws: `ConfigurationError`; ``WrongURL``.
  init(label: String) throws {
    let configuration = try ServiceConfiguration(
      provider: EnvironmentVariablesProvider(), readFile: SecretFile.read)
    let environment = ServiceEnvironment.live(label: label, level: configuration.logLevel)
    do {
      var database = try PostgresConfiguration(url: configuration.databaseURL.value)
      database.sessionSettings = InventoryDatabase.sessionSettings
      connector = PostgresConnector(
        configuration: database, clock: environment.clock, logger: environment.logger)
    } catch {
      throw WrongURL(variable: "DATABASE_URL", cause: error)
    }
    do {
      broker = try configuration.brokerURL.map { try RabbitMQConnector(url: $0.value, clock: environment.clock) }
    } catch {
      throw WrongURL(variable: "RABBITMQ_URL", cause: error)
    }
    do {
      cache = try configuration.cacheURL.map { url in
        RedisConnector(
          configuration: try RedisConfiguration(url: url.value), clock: environment.clock, logger: environment.logger)
      }
    } catch {
      throw WrongURL(variable: "REDIS_URL", cause: error)
    }
    self.environment = environment
    self.configuration = configuration
  }

  /// The point that lies `duration` ahead.
  func deadline(in duration: Duration) -> MonotonicInstant {
    environment.clock.now.advanced(by: duration)
  }
}

/// A service that has a database.
enum DatabaseService: String, CaseIterable, ExpressibleByArgument {
  case inventory, orders

  /// The migrations of its database.
  func migrations() throws -> MigrationSet {
    switch self {
    case .inventory: try InventoryMigrations.load()
    case .orders: try OrdersMigrations.load()
    }
  }
}

extension Runtime {
  /// The migrations of a service's database.
  func migrator(of service: DatabaseService) throws -> Migrator {
    Migrator(migrations: try service.migrations(), connector: connector, environment: environment)
  }

  /// Checks that the database can be reached and has what the service needs.
  ///
  /// - Throws: ``MissingMigrations``; `SQLError`; `MigrationError`.
  func requireMigrations(of service: DatabaseService) async throws {
    let limit = max(configuration.connectTimeout, .seconds(10))
    let entries = try await migrator(of: service).status(deadline: deadline(in: limit))
    let missing = entries.filter { $0.appliedAt == nil }.map(\.name)
    guard missing.isEmpty else { throw MissingMigrations(service: service, names: missing) }
  }
}

extension ServiceEnvironment {
  /// The live sides of the seams, and a logger that writes JSON lines: once in a process.
  static func live(label: String, level: Logger.Level) -> ServiceEnvironment {
    let wallClock = SystemWallClock()
    LoggingSystem.bootstrap { label in JSONLinesLogHandler(label: label, level: level, wallClock: wallClock) }
    return ServiceEnvironment(
      clock: SystemMonotonicClock(), wallClock: wallClock, entropy: SystemEntropy(), logger: Logger(label: label))
  }
}
