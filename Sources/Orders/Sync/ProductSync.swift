import FoundationEssentials
package import InventoryAPI
import Logging
import Seams
package import ServiceKit

/// Puts the products of the orders' catalogue into the inventory, over the APIs of both services.
///
/// It changes no product that is there, so that it may be broken off and run again at any time: what is left to do is
/// found out anew by each run.
package struct ProductSync: Sendable {
  /// What a run does.
  package struct Options: Sendable, Hashable {
    /// The units with which a product is created, 0 … 1,000,000,000.
    package var quantity = 0
    /// Whether it only says what it would do.
    package var isDryRun = false
    /// How long the calls for one product, or one page, may take, retries included.
    package var timeout = Duration.seconds(30)

    package init() {}
  }

  /// What became of a product.
  package enum Outcome: Sendable, Hashable {
    /// It was not in the inventory, and is now; in a dry run it would be.
    case created
    /// It was there, and is left as it is.
    case existing
    /// It is not known to be there.
    case failed(String)
  }

  /// What a run came to.
  package struct Summary: Sendable, Hashable {
    /// Products that were created, or in a dry run would be.
    package var created = 0
    /// Products that were there.
    package var existing = 0
    /// Products of which it is not known that they are there.
    package var failed = 0
    /// Why the catalogue was not read to its end; `nil` when it was.
    package var interruption: String?

    package init() {}

    /// Whether every product of the catalogue is in the inventory, or would be.
    package var isComplete: Bool { failed == 0 && interruption == nil }

    fileprivate mutating func count(_ outcome: Outcome) {
      switch outcome {
      case .created: created += 1
      case .existing: existing += 1
      case .failed: failed += 1
      }
    }
  }

  private let catalogue: CatalogueClient
  private let inventory: any InventoryClient
  private let environment: ServiceEnvironment
  private let options: Options
  private let correlationId: UUID

  /// A run from `catalogue` to `inventory`. Its calls share one correlation id.
  package init(
    catalogue: CatalogueClient, inventory: any InventoryClient, environment: ServiceEnvironment,
    options: Options = Options()
  ) {
    self.catalogue = catalogue
    self.inventory = inventory
    self.environment = environment
    self.options = options
    correlationId = environment.entropy.uuid()
  }

  /// Goes through the catalogue once. Each product is logged with what became of it; one that failed holds up no other.
  ///
  /// - Throws: `CancellationError`.
  package func run() async throws -> Summary {
    var summary = Summary()
    var cursor: UUID?
    repeat {
      let page: Page<UUID>
      do {
        page = try await catalogue.productIds(behind: cursor, context: context)
      } catch let error as ServiceCallError {
        environment.logger.error("the catalogue cannot be read on", metadata: ["error": .string("\(error)")])
        summary.interruption = "\(error)"
        return summary
      }
      if options.isDryRun {
        try await compare(page.items, &summary)
      } else {
        for id in page.items { note(try await create(id), of: id, &summary) }
      }
      cursor = page.nextCursor.flatMap { UUID(text: $0) }
    } while cursor != nil
    return summary
  }

  private func create(_ id: UUID) async throws -> Outcome {
    do {
      return switch try await inventory.create(productId: id, quantity: options.quantity, context: context) {
      case .created: .created
      case .exists: .existing
      }
    } catch let error as ServiceCallError {
      return .failed("\(error)")
    }
  }

  /// Finds out which products of a page would be created.
  private func compare(_ ids: [UUID], _ summary: inout Summary) async throws {
    guard !ids.isEmpty else { return }
    do {
      let there = Set(try await inventory.items(ids: ids, context: context).map(\.productId))
      for id in ids { note(there.contains(id) ? .existing : .created, of: id, &summary) }
    } catch let error as ServiceCallError {
      for id in ids { note(.failed("\(error)"), of: id, &summary) }
    }
  }

  private func note(_ outcome: Outcome, of id: UUID, _ summary: inout Summary) {
    summary.count(outcome)
    var metadata: Logger.Metadata = ["product": .string(id.canonicalText)]
    switch outcome {
    case .created where options.isDryRun: environment.logger.info("would be created", metadata: metadata)
    case .created:
      metadata["quantity"] = .stringConvertible(options.quantity)
      environment.logger.info("created", metadata: metadata)
    case .existing: environment.logger.info("existing", metadata: metadata)
    case .failed(let reason):
      metadata["error"] = .string(reason)
      environment.logger.error("failed", metadata: metadata)
    }
  }

  private var context: CallContext {
    CallContext(deadline: environment.clock.now.advanced(by: options.timeout), correlationId: correlationId)
  }
}
