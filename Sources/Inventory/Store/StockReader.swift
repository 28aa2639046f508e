import FoundationEssentials
import Seams
import ServiceKit

/// Reads stock for those who ask: from the cache where there is one, else from the database.
struct StockReader: Sendable {
  let database: InventoryDatabase
  let cache: StockCache?

  /// The stock of those of `ids` that exist, by product id.
  func items(_ ids: [UUID], deadline: MonotonicInstant) async throws -> StockCache.Answer<[StockItem]> {
    guard let cache else {
      return StockCache.Answer(value: try await database.items(ids, deadline: deadline), isHit: false)
    }
    return try await timed {
      try await cache.items(ids, deadline: deadline) { try await database.items($0, deadline: deadline) }
    }
  }

  /// Products of which at most `threshold` units are available, the scarcest first.
  func lowStock(
    threshold: Int, limit: Int, deadline: MonotonicInstant
  ) async throws -> StockCache.Answer<[StockItem]> {
    try await items("low-stock:\(threshold):\(limit)", deadline) {
      try await database.lowStock(threshold: threshold, limit: limit, deadline: deadline)
    }
  }

  /// Products with the most reserved units, the most first.
  func mostReserved(limit: Int, deadline: MonotonicInstant) async throws -> StockCache.Answer<[StockItem]> {
    try await items("most-reserved:\(limit)", deadline) {
      try await database.mostReserved(limit: limit, deadline: deadline)
    }
  }

  /// Sums over all products.
  func stats(deadline: MonotonicInstant) async throws -> StockCache.Answer<InventoryStats> {
    guard let cache else {
      return StockCache.Answer(value: try await database.stats(deadline: deadline), isHit: false)
    }
    return try await timed {
      try await cache.stats(deadline: deadline) { try await database.stats(deadline: deadline) }
    }
  }

  private func items(
    _ aggregation: String, _ deadline: MonotonicInstant, _ read: () async throws -> [StockItem]
  ) async throws -> StockCache.Answer<[StockItem]> {
    guard let cache else { return StockCache.Answer(value: try await read(), isHit: false) }
    return try await timed { try await cache.aggregatedItems(aggregation, deadline: deadline, read: read) }
  }

  /// Who waits for somebody else's read until its own deadline is answered as if it had waited for the database.
  private func timed<R>(_ body: () async throws -> R) async throws -> R {
    do {
      return try await body()
    } catch is DeadlineExceeded {
      throw Problem.upstreamTimeout()
    }
  }
}
