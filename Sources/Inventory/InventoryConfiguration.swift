package import ServiceKit

/// How the inventory service works.
package struct InventoryConfiguration: Sendable {
  /// How long a reservation lives when its request does not say, in seconds: 1 to 86,400.
  package var reservationTimeToLiveSeconds: Int
  /// How often due reservations are expired; each pause is jittered by a tenth.
  package var expiryInterval: Duration
  /// The most reservations that one expiry transaction takes.
  package var expiryBatchSize: Int
  /// How long one run of the expiry job may take.
  package var expiryTimeout: Duration
  /// How reserve requests are gathered.
  package var groupCommit: GroupCommitOptions
  /// How events are published.
  package var outbox: OutboxPublisher.Options
  /// The connections to the database.
  package var pool: SQLPool.Options
  /// The connections to the cache.
  package var cachePool: CachePool.Options
  /// What is cached, and for how long.
  package var cache: StockCache.Options
  /// The limits of a request.
  package var requests: ServiceHandler.Options

  /// A configuration; see each member.
  package init(
    reservationTimeToLiveSeconds: Int = 900, expiryInterval: Duration = .seconds(5), expiryBatchSize: Int = 100,
    expiryTimeout: Duration = .seconds(30), groupCommit: GroupCommitOptions = GroupCommitOptions(),
    outbox: OutboxPublisher.Options = OutboxPublisher.Options(), pool: SQLPool.Options = SQLPool.Options(),
    cachePool: CachePool.Options = CachePool.Options(), cache: StockCache.Options = StockCache.Options(),
    requests: ServiceHandler.Options = ServiceHandler.Options()
  ) {
    precondition(
      InventoryLimits.timeToLiveSeconds.contains(reservationTimeToLiveSeconds), "a reservation lives 1 s to 24 h")
    precondition(expiryBatchSize >= 1, "an expiry batch of nothing")
    self.reservationTimeToLiveSeconds = reservationTimeToLiveSeconds
    self.expiryInterval = expiryInterval
    self.expiryBatchSize = expiryBatchSize
    self.expiryTimeout = expiryTimeout
    self.groupCommit = groupCommit
    self.outbox = outbox
    self.pool = pool
    self.cachePool = cachePool
    self.cache = cache
    self.requests = requests
  }
}
