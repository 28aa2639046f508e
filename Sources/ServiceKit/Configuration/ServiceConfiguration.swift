package import Configuration
package import Logging
internal import Seams

/// What the inventory service is told from outside, read once at its start.
package struct ServiceConfiguration: Sendable {
  /// The address to listen on (`INVENTORY_HOST`).
  package var host: String
  /// The port to listen on; 0 lets the system choose (`INVENTORY_PORT`).
  package var port: Int
  /// Where the database is (`DATABASE_URL` or `DATABASE_URL_FILE`): it may hold a password.
  package var databaseURL: Secret
  /// Where the broker is (`RABBITMQ_URL` or `RABBITMQ_URL_FILE`): it may hold a password. `nil`: there is none.
  package var brokerURL: Secret?
  /// Where the cache is (`REDIS_URL` or `REDIS_URL_FILE`): it may hold a password. `nil`: there is none.
  package var cacheURL: Secret?
  /// The most connections to the cache (`REDIS_POOL_SIZE`).
  package var cachePoolSize: Int
  /// The most connections to the database (`DATABASE_POOL_SIZE`).
  package var databasePoolSize: Int
  /// How long opening a connection may take (`CONNECT_TIMEOUT`, ms).
  package var connectTimeout: Duration
  /// How long a reservation holds its stock by default (`RESERVATION_TTL`, s).
  package var reservationTTL: Duration
  /// How often expired reservations are looked for (`EXPIRY_INTERVAL`, ms).
  package var expiryInterval: Duration
  /// How long a product's stock may be read from the cache (`CACHE_TTL`, s); zero: never.
  package var cacheTTL: Duration
  /// How long an aggregation may be read from the cache (`CACHE_AGGREGATE_TTL`, s); zero: never.
  package var aggregateTTL: Duration
  /// How long a request may take when it does not say (`REQUEST_TIMEOUT`, ms).
  package var requestTimeout: Duration
  /// How long a request may ask for (`REQUEST_TIMEOUT_MAX`, ms).
  package var maximumRequestTimeout: Duration
  /// How long a service that goes down waits for what runs (`SHUTDOWN_TIMEOUT`, ms).
  package var shutdownTimeout: Duration
  /// What is logged (`LOG_LEVEL`).
  package var logLevel: Logger.Level

  /// Reads the configuration.
  ///
  /// - Parameters:
  ///   - provider: where values come from: the environment, or a test's.
  ///   - readFile: reads the file that a `…_FILE` variable names.
  /// - Throws: ``ConfigurationError`` that lists every variable that is wrong.
  package init(
    provider: some ConfigProvider, readFile: @escaping (String) throws -> String
  ) throws(ConfigurationError) {
    var reader = SettingsReader(config: ConfigReader(provider: provider), readFile: readFile)
    host = reader.string("INVENTORY_HOST", default: "0.0.0.0")
    port = reader.integer("INVENTORY_PORT", in: 0...65_535, default: 8080)
    databaseURL = reader.secret(
      "DATABASE_URL", expectation: "a URL that begins with postgres:// or postgresql://"
    ) { $0.hasPrefix("postgres://") || $0.hasPrefix("postgresql://") }
    brokerURL = reader.secretIfSet(
      "RABBITMQ_URL", expectation: "a URL that begins with amqp:// or amqps://"
    ) { $0.hasPrefix("amqp://") || $0.hasPrefix("amqps://") }
    cacheURL = reader.secretIfSet(
      "REDIS_URL", expectation: "a URL that begins with redis:// or redis+sentinel://"
    ) { $0.hasPrefix("redis://") || $0.hasPrefix("redis+sentinel://") }
    cachePoolSize = reader.integer("REDIS_POOL_SIZE", in: 1...1000, default: 10)
    databasePoolSize = reader.integer("DATABASE_POOL_SIZE", in: 1...1000, default: 20)
    connectTimeout = reader.milliseconds("CONNECT_TIMEOUT", upTo: 600_000, default: 5_000)
    reservationTTL = .seconds(reader.integer("RESERVATION_TTL", in: 1...86_400, unit: "seconds", default: 900))
    expiryInterval = reader.milliseconds("EXPIRY_INTERVAL", upTo: 3_600_000, default: 5_000)
    cacheTTL = .seconds(reader.integer("CACHE_TTL", in: 0...86_400, unit: "seconds", default: 300))
    aggregateTTL = .seconds(reader.integer("CACHE_AGGREGATE_TTL", in: 0...86_400, unit: "seconds", default: 900))
    requestTimeout = reader.milliseconds("REQUEST_TIMEOUT", upTo: 3_600_000, default: 10_000)
    maximumRequestTimeout = reader.milliseconds("REQUEST_TIMEOUT_MAX", upTo: 3_600_000, default: 60_000)
    shutdownTimeout = reader.milliseconds("SHUTDOWN_TIMEOUT", upTo: 3_600_000, default: 25_000)
    logLevel = reader.choice(
      "LOG_LEVEL", of: Logger.Level.allCases.map { ($0.rawValue, $0) }, default: .info)
    if requestTimeout > maximumRequestTimeout {
      let (limit, found) = (maximumRequestTimeout.inMilliseconds, requestTimeout.inMilliseconds)
      reader.fail(
        "REQUEST_TIMEOUT",
        "expected at most REQUEST_TIMEOUT_MAX, which is \(Int(limit)) milliseconds, found \"\(Int(found))\"")
    }
    guard reader.issues.isEmpty else { throw ConfigurationError(issues: reader.issues) }
  }

  /// The limits of requests.
  package var handlerOptions: ServiceHandler.Options {
    var options = ServiceHandler.Options()
    options.defaultTimeout = requestTimeout
    options.maximumTimeout = maximumRequestTimeout
    return options
  }

  /// The limits of the cache's pool.
  package var cachePoolOptions: CachePool.Options {
    var options = CachePool.Options(size: cachePoolSize)
    options.connectTimeout = connectTimeout
    return options
  }

  /// The limits of the database's pool.
  package var poolOptions: SQLPool.Options {
    var options = SQLPool.Options(size: databasePoolSize)
    options.connectTimeout = connectTimeout
    return options
  }
}
