import CallFixtures
import FoundationEssentials
import InventoryAPI
import Orders
import Seams
import ServiceKit
import SimulationKernel
import Synchronization
import Testing

@Suite struct ProductSyncTests {
  /// One run against `shop`, and its lines about products: `created 20c0…`.
  private func sync(
    _ shop: ScriptedShop, quantity: Int = 0, isDryRun: Bool = false
  ) throws -> (summary: ProductSync.Summary, lines: [String]) {
    let result = Mutex<ProductSync.Summary?>(nil)
    let log = KeptLog()
    let kernel = SimulationKernel(seed: 1)
    let outcome = kernel.run { process in
      var environment = process.serviceEnvironment
      let quiet = environment
      environment.logger = log.logger
      func peer(_ name: String) -> ServicePeer {
        ServicePeer(
          name: name, address: ServiceAddress(authority: name), transport: shop, environment: quiet,
          tokens: SharedSecretTokens(secret: Secret("a secret of services")))
      }
      var options = ProductSync.Options()
      (options.quantity, options.isDryRun) = (quantity, isDryRun)
      let summary = try await ProductSync(
        catalogue: CatalogueClient(peer: peer("orders")), inventory: HTTPInventoryClient(peer: peer("inventory")),
        environment: environment, options: options
      ).run()
      result.withLock { $0 = summary }
    }
    #expect(outcome == .finished)
    return (
      try #require(result.withLock { $0 }),
      log.lines.compactMap { line in line.metadata["product"].map { "\(line.message) \($0)" } }
    )
  }

  private func summary(_ created: Int, _ existing: Int, _ failed: Int = 0) -> ProductSync.Summary {
    var summary = ProductSync.Summary()
    (summary.created, summary.existing, summary.failed) = (created, existing, failed)
    return summary
  }

  @Test func everyProductOfTheCatalogueIsCreatedWithItsQuantity() throws {
    let shop = ScriptedShop(products: 3)
    let run = try sync(shop, quantity: 7)
    #expect(run.summary == summary(3, 0) && run.summary.isComplete)
    #expect(shop.stock == [product(1): 7, product(2): 7, product(3): 7])
    #expect(run.lines == (1...3).map { "created \(product($0).canonicalText)" })
  }

  @Test func whatIsThereIsLeftAsItIs() throws {
    let shop = ScriptedShop(products: 3)
    shop.stock = [product(2): 40]
    let run = try sync(shop, quantity: 7)
    #expect(run.summary == summary(2, 1))
    #expect(shop.stock == [product(1): 7, product(2): 40, product(3): 7])
    #expect(run.lines[1] == "existing \(product(2).canonicalText)")
  }

  @Test func aSecondRunFindsEverything() throws {
    let shop = ScriptedShop(products: 100)
    #expect(try sync(shop).summary == summary(100, 0))
    let stock = shop.stock
    #expect(try sync(shop).summary == summary(0, 100))
    #expect(shop.stock == stock)
  }

  @Test(arguments: [0, 1, 99, 100, 101, 250])
  func theCatalogueIsReadPageByPage(_ count: Int) throws {
    let shop = ScriptedShop(products: count)
    let run = try sync(shop)
    #expect(run.summary == summary(count, 0))
    #expect(run.lines.count == count && Set(run.lines).count == count)
    #expect(shop.stock.count == count)
    #expect(shop.requests.count { $0.contains(" /products") } == max(1, (count + 99) / 100))
  }

  @Test func aDryRunSaysWhatItWouldDoAndWritesNothing() throws {
    let shop = ScriptedShop(products: 150)
    shop.stock = [product(1): 1, product(120): 1]
    let run = try sync(shop, quantity: 7, isDryRun: true)
    #expect(run.summary == summary(148, 2))
    #expect(run.lines.count == 150 && run.lines[0] == "existing \(product(1).canonicalText)")
    #expect(run.lines[1] == "would be created \(product(2).canonicalText)")
    #expect(shop.stock.count == 2 && !shop.requests.contains { $0.hasPrefix("PUT") })
  }

  @Test func aProductThatFailsHoldsUpNoOther() throws {
    let shop = ScriptedShop(products: 3)
    shop.refusals[product(2).canonicalText] = [403]
    let run = try sync(shop)
    #expect(run.summary == summary(2, 0, 1) && !run.summary.isComplete)
    #expect(run.lines[1] == "failed \(product(2).canonicalText)")
    #expect(try sync(shop).summary == summary(1, 2))
  }

  @Test func aFailureThatPassesIsTriedAgain() throws {
    let shop = ScriptedShop(products: 2)
    shop.refusals[product(2).canonicalText] = [503, 503]
    shop.refusals["/products"] = [503]
    #expect(try sync(shop).summary == summary(2, 0))
  }

  /// The first attempt created it, and the second finds it: it is there, and nobody can say by whom.
  @Test func aCreationWhoseAnswerWasLostIsFound() throws {
    let shop = ScriptedShop(products: 2)
    shop.lostAnswers = [product(1)]
    #expect(try sync(shop, quantity: 7).summary == summary(1, 1))
    #expect(shop.stock == [product(1): 7, product(2): 7])
  }

  @Test func aCatalogueThatBreaksOffIsToldAndTheNextRunGoesOn() throws {
    let shop = ScriptedShop(products: 150)
    shop.refusals["/products"] = [0, 401]
    let broken = try sync(shop).summary
    #expect(broken.created == 100 && broken.failed == 0)
    #expect(broken.interruption?.contains("rejected") == true && !broken.isComplete)
    #expect(try sync(shop).summary == summary(50, 100))
  }
}
