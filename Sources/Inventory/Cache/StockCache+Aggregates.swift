import Seams
import ServiceKit

extension StockCache {
  /// How often, and after which pause, a read looks again for what another instance is about to store. An aggregation
  /// reads whole tables: waiting for the other's is cheaper.
  private static let looks = 8
  private static let pause = Duration.milliseconds(25)

  /// The items of an aggregation.
  ///
  /// - Parameters:
  ///   - name: names the aggregation with its parameters.
  ///   - read: reads the database.
  /// - Throws: `DeadlineExceeded` while waiting for a read that is under way; what `read` throws.
  func aggregatedItems(
    _ name: String, deadline: MonotonicInstant, read: () async throws -> [StockItem]
  ) async throws -> Answer<[StockItem]> {
    let answer = try await aggregate(name, deadline: deadline) { bytes in
      StockCoding.items(from: bytes).map(Aggregate.items)
    } read: {
      let items = try await read()
      return (.items(items), StockCoding.encode(items))
    }
    guard case .items(let items) = answer.value else { preconditionFailure("\(name) is no list") }
    return Answer(value: items, isHit: answer.isHit)
  }

  /// The sums over all products.
  ///
  /// - Throws: as ``aggregatedItems(_:deadline:read:)``.
  func stats(
    deadline: MonotonicInstant, read: () async throws -> InventoryStats
  ) async throws -> Answer<InventoryStats> {
    let answer = try await aggregate("stats", deadline: deadline) { bytes in
      StockCoding.stats(from: bytes).map(Aggregate.stats)
    } read: {
      let stats = try await read()
      return (.stats(stats), StockCoding.encode(stats))
    }
    guard case .stats(let stats) = answer.value else { preconditionFailure("stats are sums") }
    return Answer(value: stats, isHit: answer.isHit)
  }

  private func aggregate(
    _ name: String, deadline: MonotonicInstant, decode: ([UInt8]) -> Aggregate?,
    read: () async throws -> (Aggregate, [UInt8])
  ) async throws -> Answer<Aggregate> {
    guard options.aggregateLife > .zero else { return Answer(value: try await read().0, isHit: false) }
    while true {
      switch aggregateReads.begin(name) {
      case .join(let flight):
        if let answer = try await flight.wait(until: deadline, clock: clock) { return answer }
      case .lead(let flight):
        defer { aggregateReads.end(flight, of: name, with: nil) }
        let answer = try await lead("inventory:\(name)", decode, read)
        aggregateReads.end(flight, of: name, with: answer)
        return answer
      }
    }
  }

  private func lead(
    _ key: String, _ decode: ([UInt8]) -> Aggregate?, _ read: () async throws -> (Aggregate, [UInt8])
  ) async throws -> Answer<Aggregate> {
    for look in 1...Self.looks {
      let findings = await cache.lookUp([key]) { _, bytes in decode(bytes) }
      switch findings[0] {
      case .value(let value): return Answer(value: value, isHit: true)
      case .lease(let lease):
        let (value, bytes): (Aggregate, [UInt8])
        do {
          (value, bytes) = try await read()
        } catch {
          await cache.giveBack([lease])
          throw error
        }
        await cache.fill([(lease, bytes)], life: options.aggregateLife)
        return Answer(value: value, isHit: false)
      case .busy where look < Self.looks: try await clock.sleep(for: Self.pause)
      case .busy, .unavailable: return Answer(value: try await read().0, isHit: false)
      }
    }
    preconditionFailure("the last look ends the search")
  }
}
