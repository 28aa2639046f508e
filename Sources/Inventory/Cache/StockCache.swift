package import FoundationEssentials
package import Seams
package import ServiceKit

/// What the cache holds of the stock, in front of the database. It answers reads only: no write ever looks into it
/// (DESIGN §5, rule 6).
package struct StockCache: Sendable {
  /// How long values may be read.
  package struct Options: Sendable, Hashable {
    /// A product's stock; zero: never from the cache.
    package var itemLife: Duration
    /// An aggregation; zero: never from the cache.
    package var aggregateLife: Duration
    /// The cache's own limits.
    package var cache = LeasedCache.Options()

    /// Limits; see each member.
    package init(itemLife: Duration = .seconds(300), aggregateLife: Duration = .seconds(900)) {
      self.itemLife = itemLife
      self.aggregateLife = aggregateLife
    }
  }

  /// What a read found, and whether all of it came from the cache.
  struct Answer<Value: Sendable>: Sendable {
    var value: Value
    var isHit: Bool
  }

  /// An aggregation's value.
  enum Aggregate: Sendable {
    case items([StockItem])
    case stats(InventoryStats)
  }

  package let cache: LeasedCache
  let clock: any MonotonicClock
  let options: Options
  /// `nil` for a product that is not there.
  let itemReads = CoalescedReads<UUID, Answer<StockItem?>>()
  let aggregateReads = CoalescedReads<String, Answer<Aggregate>>()

  /// What is cached by way of `client`.
  package init(client: any CacheClient, environment: ServiceEnvironment, options: Options = Options()) {
    var limits = options.cache
    limits.longestLife = max(options.itemLife, options.aggregateLife)
    cache = LeasedCache(name: "cache", client: client, environment: environment, options: limits)
    clock = environment.clock
    self.options = options
  }

  /// The key of a product's stock.
  package static func key(_ productId: UUID) -> String { "inventory:item:\(productId.canonicalText)" }

  /// Forgets the stock of products whose rows a transaction has changed.
  ///
  /// - Parameter isCertain: whether it is known to have committed.
  func invalidate(_ productIds: [UUID], isCertain: Bool) async {
    guard options.itemLife > .zero, !productIds.isEmpty else { return }
    var seen: Set<UUID> = []
    let products = productIds.filter { seen.insert($0).inserted }
    // What is being read now may be older than the change; what is begun before the cache has forgotten it, too.
    itemReads.close(products)
    await cache.invalidate(products.map(Self.key), isCertain: isCertain)
    itemReads.close(products)
  }

  // MARK: - Products

  /// The stock of those of `ids` that exist, by product id.
  ///
  /// - Parameter read: reads the database.
  /// - Throws: `DeadlineExceeded` while waiting for a read that is under way; what `read` throws.
  func items(
    _ ids: [UUID], deadline: MonotonicInstant, read: ([UUID]) async throws -> [StockItem]
  ) async throws -> Answer<[StockItem]> {
    guard options.itemLife > .zero else { return Answer(value: try await read(ids), isHit: false) }
    var found: [StockItem] = []
    var isHit = true
    var open = Set(ids).sorted()
    while !open.isEmpty {
      var joined: [(id: UUID, flight: CoalescedReads<UUID, Answer<StockItem?>>.Flight)] = []
      var led = joined
      for id in open {
        switch itemReads.begin(id) {
        case .lead(let flight): led.append((id, flight))
        case .join(let flight): joined.append((id, flight))
        }
      }
      // Before anything is waited for that somebody else leads, who may wait for this.
      for answer in try await lead(led, read: read) {
        if let item = answer.value { found.append(item) }
        isHit = isHit && answer.isHit
      }
      open = []
      for (id, flight) in joined {
        guard let answer = try await flight.wait(until: deadline, clock: clock) else {
          open.append(id)
          continue
        }
        if let item = answer.value { found.append(item) }
        isHit = isHit && answer.isHit
      }
    }
    return Answer(value: found.sorted { $0.productId < $1.productId }, isHit: isHit)
  }

  /// Reads products for everybody who waits for them, and tells these however it ends.
  private func lead(
    _ led: [(id: UUID, flight: CoalescedReads<UUID, Answer<StockItem?>>.Flight)],
    read: ([UUID]) async throws -> [StockItem]
  ) async throws -> [Answer<StockItem?>] {
    defer { for (id, flight) in led { itemReads.end(flight, of: id, with: nil) } }
    guard !led.isEmpty else { return [] }
    let findings = await cache.lookUp(led.map { Self.key($0.id) }) { position, bytes in
      StockCoding.item(led[position].id, from: bytes)
    }
    var answers: [Answer<StockItem?>] = findings.map { finding in
      if case .value(let item) = finding { Answer(value: item, isHit: true) } else { Answer(value: nil, isHit: false) }
    }
    let missing = led.indices.filter { !answers[$0].isHit }
    if !missing.isEmpty {
      let leases = missing.compactMap { position -> (position: Int, lease: LeasedCache.Lease)? in
        if case .lease(let lease) = findings[position] { (position, lease) } else { nil }
      }
      let rows: [StockItem]
      do {
        rows = try await read(missing.map { led[$0].id })
      } catch {
        await cache.giveBack(leases.map(\.lease))
        throw error
      }
      let items = Dictionary(uniqueKeysWithValues: rows.map { ($0.productId, $0) })
      for position in missing { answers[position].value = items[led[position].id] }
      await cache.fill(
        leases.compactMap { position, lease in answers[position].value.map { (lease, StockCoding.encode($0)) } },
        life: options.itemLife)
      await cache.giveBack(leases.filter { answers[$0.position].value == nil }.map(\.lease))
    }
    for (position, (id, flight)) in led.enumerated() { itemReads.end(flight, of: id, with: answers[position]) }
    return answers
  }
}
