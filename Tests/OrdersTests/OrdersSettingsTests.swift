import Configuration
import Orders
import ServiceKit
import Testing

@Suite struct OrdersSettingsTests {
  private static let token = ["SERVICE_TOKEN": "sixteen letters!"]

  private func read(_ variables: [String: String]) throws(ConfigurationError) -> OrdersSettings {
    try OrdersSettings(
      provider: EnvironmentVariablesProvider(environmentVariables: Self.token.merging(variables) { $1 })
    ) { _ in "a secret from a file\n" }
  }

  private func issues(_ variables: [String: String]) -> [String] {
    do {
      _ = try read(variables)
      return []
    } catch {
      return error.issues.map { "\($0.variable): \($0.message)" }
    }
  }

  @Test func onlyTheTokenMustBeSaid() throws {
    let settings = try read([:])
    #expect(settings.port == 3001 && settings.webhook == nil && settings.calls.retries.attempts == 4)
    #expect("\(settings.inventory)" == "http://inventory-service:8080")
    #expect("\(settings.payments)" == "http://payments-service:8090")
  }

  @Test func aWebhookHasAURLAndASecret() throws {
    let url = "https://notifier.example/hooks?key=hunter2"
    let settings = try read([
      "NOTIFICATIONS_WEBHOOK_URL": url, "NOTIFICATIONS_WEBHOOK_SECRET_FILE": "/run/secrets/webhook",
    ])
    #expect(settings.webhook?.url == WebhookURL(url))
    #expect(settings.webhook?.secret.value == "a secret from a file")
    #expect(try read(["NOTIFICATIONS_WEBHOOK_SECRET": "of a webhook that is not there"]).webhook == nil)
  }

  @Test func aWebhookWithoutASecretIsRefused() {
    let url = ["NOTIFICATIONS_WEBHOOK_URL": "https://notifier.example/hooks"]
    let missing = issues(url)
    #expect(missing.count == 1 && missing[0].hasPrefix("NOTIFICATIONS_WEBHOOK_SECRET: not set"), "\(missing)")
    let short = issues(url.merging(["NOTIFICATIONS_WEBHOOK_SECRET": "too short"]) { $1 })
    #expect(short.count == 1 && short[0].contains("at least 16 characters") && !short[0].contains("too short"))
  }

  @Test func aURLThatIsWrongIsNotShown() {
    let found = issues(["NOTIFICATIONS_WEBHOOK_URL": "notifier.example/hooks?key=hunter2"])
    #expect(found.count == 1 && found[0].hasPrefix("NOTIFICATIONS_WEBHOOK_URL: expected a URL"), "\(found)")
    #expect(!found[0].contains("hunter2"))
  }

  @Test func aSyncIsToldWhereBothServicesAre() throws {
    let read = { (variables: [String: String]) throws(ConfigurationError) -> ProductSyncSettings in
      try ProductSyncSettings(provider: EnvironmentVariablesProvider(environmentVariables: variables)) { _ in "" }
    }
    let settings = try read(Self.token)
    #expect("\(settings.orders) \(settings.inventory)" == "http://orders-service:3001 http://inventory-service:8080")
    let error = #expect(throws: ConfigurationError.self) {
      try read(["ORDERS_SERVICE_URL": "orders", "INVENTORY_SERVICE_URL": "x", "LOG_LEVEL": "loud"])
    }
    #expect(
      error?.issues.map(\.variable) == ["ORDERS_SERVICE_URL", "INVENTORY_SERVICE_URL", "SERVICE_TOKEN", "LOG_LEVEL"])
  }
}
