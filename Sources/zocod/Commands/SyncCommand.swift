import ArgumentParser
import Configuration
import HTTPLive
import InventoryAPI
import Logging
import Orders
import ServiceKit

/// `zocod sync`: the products of orders, in the inventory too.
struct SyncCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Create in the inventory the products that orders have. Repeating it changes nothing.",
    discussion: """
      It reads the catalogue at ORDERS_SERVICE_URL (http://orders-service:3001) and creates what is missing at \
      INVENTORY_SERVICE_URL (http://inventory-service:8080), showing both SERVICE_TOKEN; it needs no database. A \
      product that is there is left as it is. Each product is a line of the log; a run that was broken off is run \
      again. It ends with 1 when a product failed or the catalogue could not be read to its end.

      Examples:
        zocod sync --dry-run
        ORDERS_SERVICE_URL=http://localhost:3001 INVENTORY_SERVICE_URL=http://localhost:8080 \
      SERVICE_TOKEN_FILE=secrets/service_token zocod sync --quantity 100
      """)

  @Option(help: "Units of each product that is created.")
  var quantity = 0

  @Flag(help: "Only say what would be created.")
  var dryRun = false

  func validate() throws {
    guard (0...1_000_000_000).contains(quantity) else {
      throw ValidationError("--quantity takes a number from 0 to 1000000000")
    }
  }

  func run() async throws {
    try await Exit.explaining {
      let settings = try ProductSyncSettings(provider: EnvironmentVariablesProvider(), readFile: SecretFile.read)
      let environment = ServiceEnvironment.live(label: "sync", level: settings.logLevel)
      let transport = LiveHTTPTransport(clock: environment.clock)
      // The log has a line for each product, and no more of calls that succeed.
      var quiet = environment
      quiet.logger.logLevel = max(settings.logLevel, .warning)
      func peer(_ name: String, _ address: ServiceAddress) -> ServicePeer {
        ServicePeer(
          name: name, address: address, transport: transport, environment: quiet,
          tokens: SharedSecretTokens(secret: settings.token), options: settings.calls)
      }
      var options = ProductSync.Options()
      (options.quantity, options.isDryRun) = (quantity, dryRun)
      let summary = try await ProductSync(
        catalogue: CatalogueClient(peer: peer(CatalogueClient.serviceName, settings.orders)),
        inventory: HTTPInventoryClient(peer: peer(HTTPInventoryClient.serviceName, settings.inventory)),
        environment: environment, options: options
      ).run()
      try await transport.shutdown()
      try report(summary)
    }
  }

  private func report(_ summary: ProductSync.Summary) throws {
    let created = dryRun ? "would be created" : "created"
    print("\(summary.created) \(created), \(summary.existing) existing, \(summary.failed) failed")
    if let interruption = summary.interruption {
      StandardError.write("zocod: the catalogue was not read to its end: \(interruption)\n")
    }
    guard summary.isComplete else { throw ExitCode.failure }
  }
}
