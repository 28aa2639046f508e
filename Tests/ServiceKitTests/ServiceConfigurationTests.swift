import Configuration
import Logging
import ServiceKit
import Testing

@Suite struct ServiceConfigurationTests {
  private struct NoFile: Error, CustomStringConvertible { var description: String { "no such file" } }

  private let url = "postgresql://zoco:hunter2@localhost/inventory"

  private func read(
    _ variables: [String: String], files: [String: String] = [:]
  ) throws(ConfigurationError) -> ServiceConfiguration {
    try ServiceConfiguration(provider: EnvironmentVariablesProvider(environmentVariables: variables)) { path in
      guard let text = files[path] else { throw NoFile() }
      return text
    }
  }

  private func issues(_ variables: [String: String], files: [String: String] = [:]) -> [String] {
    do {
      _ = try read(variables, files: files)
      return []
    } catch {
      return error.issues.map { "\($0.variable): \($0.message)" }
    }
  }

  @Test func onlyTheDatabaseMustBeNamed() throws {
    let configuration = try read(["DATABASE_URL": url])
    #expect(configuration.port == 8080 && configuration.databasePoolSize == 20)
    #expect(configuration.connectTimeout == .seconds(5) && configuration.reservationTTL == .seconds(900))
    #expect(configuration.databaseURL.value == url)
    #expect(configuration.logLevel == .info && configuration.brokerURL == nil)
    #expect(configuration.cacheURL == nil && configuration.cachePoolSize == 10)
    #expect(configuration.cacheTTL == .seconds(300) && configuration.aggregateTTL == .seconds(900))
    #expect(configuration.poolOptions.size == 20 && configuration.poolOptions.connectTimeout == .seconds(5))
    #expect(configuration.handlerOptions.defaultTimeout == .seconds(10))
  }

  @Test func everyVariableIsRead() throws {
    let configuration = try read([
      "DATABASE_URL": url, "INVENTORY_HOST": "127.0.0.1", "INVENTORY_PORT": "0", "DATABASE_POOL_SIZE": "7",
      "CONNECT_TIMEOUT": "1500", "RESERVATION_TTL": "60", "EXPIRY_INTERVAL": "250", "CACHE_AGGREGATE_TTL": "0",
      "CACHE_TTL": "7", "REDIS_POOL_SIZE": "3", "REDIS_URL": "redis://:hunter2@localhost/1",
      "REQUEST_TIMEOUT": "2000", "REQUEST_TIMEOUT_MAX": "3000", "SHUTDOWN_TIMEOUT": "4000", "LOG_LEVEL": "DEBUG",
      "RABBITMQ_URL": "amqp://zoco:hunter2@localhost/",
    ])
    #expect(configuration.brokerURL?.value == "amqp://zoco:hunter2@localhost/")
    #expect(configuration.host == "127.0.0.1" && configuration.port == 0 && configuration.databasePoolSize == 7)
    #expect(configuration.connectTimeout == .milliseconds(1500) && configuration.reservationTTL == .seconds(60))
    #expect(configuration.expiryInterval == .milliseconds(250) && configuration.aggregateTTL == .zero)
    #expect(configuration.cacheTTL == .seconds(7) && configuration.cachePoolOptions.size == 3)
    #expect(configuration.cacheURL?.value == "redis://:hunter2@localhost/1")
    #expect(configuration.requestTimeout == .seconds(2) && configuration.maximumRequestTimeout == .seconds(3))
    #expect(configuration.shutdownTimeout == .seconds(4) && configuration.logLevel == .debug)
  }

  @Test func everyWrongVariableIsNamedAtOnce() {
    #expect(
      issues([
        "INVENTORY_PORT": "70000", "DATABASE_POOL_SIZE": "many", "CONNECT_TIMEOUT": "0", "RESERVATION_TTL": "-1",
        "LOG_LEVEL": "loud", "REQUEST_TIMEOUT": "1e3",
      ]) == [
        "INVENTORY_PORT: expected a whole number from 0 to 65535, found \"70000\"",
        "DATABASE_URL: not set; expected a URL that begins with postgres:// or postgresql://, "
          + "here or in the file that DATABASE_URL_FILE names",
        "DATABASE_POOL_SIZE: expected a whole number from 1 to 1000, found \"many\"",
        "CONNECT_TIMEOUT: expected a whole number from 1 to 600000 milliseconds, found \"0\"",
        "RESERVATION_TTL: expected a whole number from 1 to 86400 seconds, found \"-1\"",
        "REQUEST_TIMEOUT: expected a whole number from 1 to 3600000 milliseconds, found \"1e3\"",
        "LOG_LEVEL: expected one of trace, debug, info, notice, warning, error, critical, found \"loud\"",
      ])
  }

  @Test func aSecretComesFromItsFile() throws {
    let configuration = try read(["DATABASE_URL_FILE": "/run/secrets/db"], files: ["/run/secrets/db": url + "\n"])
    #expect(configuration.databaseURL.value == url)
  }

  @Test func aSecretsProblemNeverShowsIt() {
    #expect(
      issues(["DATABASE_URL": url, "DATABASE_URL_FILE": "f"])
        == ["DATABASE_URL: set either DATABASE_URL or DATABASE_URL_FILE, not both"])
    #expect(
      issues(["DATABASE_URL_FILE": "f"]) == [
        "DATABASE_URL_FILE: the file \"f\" cannot be read: no such file. Correct the path, or set DATABASE_URL itself"
      ])
    let wrong = issues(["DATABASE_URL": "mysql://zoco:hunter2@localhost"])
    #expect(
      wrong == [
        "DATABASE_URL: expected a URL that begins with postgres:// or postgresql://; what was found is not shown"
      ])
    #expect(
      issues(["DATABASE_URL_FILE": "f"], files: ["f": "\n"])
        == [
          "DATABASE_URL_FILE: expected a URL that begins with postgres:// or postgresql://; what was found is not shown"
        ])
  }

  @Test func aSecretPrintsAsNothing() throws {
    let configuration = try read(["DATABASE_URL": url])
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped, "\(configuration.databaseURL)"] {
      #expect(!text.contains("hunter2"))
    }
    #expect("\(configuration.databaseURL)" == "<redacted>")
  }

  @Test func aDefaultTimeOutOverTheMaximumIsRefused() {
    #expect(
      issues(["DATABASE_URL": url, "REQUEST_TIMEOUT": "90000"])
        == ["REQUEST_TIMEOUT: expected at most REQUEST_TIMEOUT_MAX, which is 60000 milliseconds, found \"90000\""])
  }
}
