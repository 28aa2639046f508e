import ArgumentParser
import Configuration
import HTTPLive
import InventoryAPI
import Orders
import Payments
import ServiceKit

/// `zocod orders`: the service.
struct OrdersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "orders",
    abstract: "Serve orders over HTTP, and drive their sagas.",
    discussion: """
      It listens on ORDERS_HOST and ORDERS_PORT (0.0.0.0 and 3001), reserves at INVENTORY_SERVICE_URL and charges at \
      PAYMENTS_SERVICE_URL. Callers show SERVICE_TOKEN (Authorization: Bearer) and name the end user in X-User-Id. It \
      does not start on a database that cannot be reached, or that lacks migrations; the other services may be down. \
      With RABBITMQ_URL its events are published, and the inventory's are heard. Each order's end is posted to \
      NOTIFICATIONS_WEBHOOK_URL, signed with NOTIFICATIONS_WEBHOOK_SECRET; without the URL it is a line of the log. \
      Several instances may run: each goes on with what another has left. SIGTERM and SIGINT end it: it accepts no more and finishes the steps under way.

      Example:
        DATABASE_URL=postgresql://zoco@localhost/orders SERVICE_TOKEN_FILE=secrets/service_token \
      INVENTORY_SERVICE_URL=http://localhost:8080 PAYMENTS_SERVICE_URL=http://localhost:8090 zocod orders
      """)

  func run() async throws {
    try await Exit.explaining {
      let settings = try OrdersSettings(provider: EnvironmentVariablesProvider(), readFile: SecretFile.read)
      let runtime = try Runtime(label: "orders")
      try await runtime.requireMigrations(of: .orders)
      // A host that answers nothing is told from a service that is slow: connecting ends well before an attempt does.
      var connecting = LiveHTTPTransportConfiguration()
      connecting.connectTimeout = min(runtime.configuration.connectTimeout, settings.calls.attemptTimeout / 2)
      let transport = LiveHTTPTransport(clock: runtime.environment.clock, configuration: connecting)
      try await serve(runtime, settings, transport)
      try await transport.shutdown()
    }
  }

  private func serve(_ runtime: Runtime, _ settings: OrdersSettings, _ transport: LiveHTTPTransport) async throws {
    let configuration = runtime.configuration
    func peer(_ name: String, _ address: ServiceAddress) -> ServicePeer {
      ServicePeer(
        name: name, address: address, transport: transport, environment: runtime.environment,
        tokens: SharedSecretTokens(secret: settings.token), options: settings.calls)
    }
    let service = OrdersService(
      environment: runtime.environment, connector: runtime.connector,
      inventory: HTTPInventoryClient(peer: peer(HTTPInventoryClient.serviceName, settings.inventory)),
      payments: HTTPPaymentProvider(peer: peer(HTTPPaymentProvider.serviceName, settings.payments)),
      broker: runtime.broker,
      webhook: settings.webhook.map { NotificationWebhook(url: $0.url, secret: $0.secret, transport: transport) },
      configuration: OrdersConfiguration(
        secret: settings.token, pool: configuration.poolOptions, requests: configuration.handlerOptions))
    try await ServiceProcess(
      name: "orders", handler: service.handler, host: settings.host, port: settings.port, settingsPrefix: "ORDERS",
      shutdownTimeout: configuration.shutdownTimeout, environment: runtime.environment,
      work: { try await service.run() }, shutdown: { await service.shutdown(deadline: $0) }
    ).run()
  }
}
