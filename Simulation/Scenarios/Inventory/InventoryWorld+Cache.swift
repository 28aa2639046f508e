internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import Seams

/// What the world knows of its cache.
extension InventoryWorld {
  /// Faults after which an invalidation may be lost for good: with the process that owed it, or with a cache that had it.
  /// What is stale then is stale until its life is over.
  private static let losingInvalidations: [FaultKind] = [.hostCrash, .hostPowerLoss, .cacheFailOver]

  /// Whether an invalidation may have been lost for good.
  var mayHaveLostInvalidations: Bool {
    injector.happened.contains { Self.losingInvalidations.contains($0.kind) }
  }

  /// How long it takes until nothing is cached any more of what is cached now.
  var cacheLife: Duration { (shape.cache?.itemLife ?? .zero) + Self.reading }

  /// Ends the run when cache and tables disagree: no write may be under way, and no invalidation be owed.
  func judgeCacheAtRest() {
    guard let cache else { preconditionFailure("this world has no cache") }
    let checker = CacheAgreesAtRest()
    guard bug?.isJudged(by: checker) ?? true else { return }
    if let violation = checker.judge(cache.items(products), in: shadow) {
      violate(violation.invariant, violation.evidence)
    }
  }

  /// What the cache holds of the row that `statement` asks for.
  func cachedRow(_ statement: SQLStatement) -> SQLResult? {
    guard let cache, statement.text.hasSuffix("FROM inventory_items WHERE product_id = $1"),
      case .uuid(let id) = statement.parameters.first, let item = cache.item(id)
    else { return nil }
    return SQLResult(rows: [
      SQLRow(
        columns: Self.itemColumns,
        values: [.uuid(id), .int(Int64(item.quantity)), .int(Int64(item.reserved)), .int(Int64(item.version))])
    ])
  }

  private static let itemColumns = SQLColumns([
    .init(name: "product_id", typeName: "uuid"), .init(name: "quantity", typeName: "int4"),
    .init(name: "reserved", typeName: "int4"), .init(name: "version", typeName: "int8"),
  ])
}
