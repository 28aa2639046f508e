internal import Checkers
internal import Faults
internal import FoundationEssentials
internal import Inventory
internal import Seams
internal import ServiceKit
internal import SimulatedRedis
internal import SimulationKernel

/// The inventory's cache on its host, faulty on demand.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class StockCacheHost: FaultableCache, @unchecked Sendable {
  let host: SimulatedHost
  let server: SimulatedRedisServer

  /// An empty cache.
  init(_ world: World) {
    host = world.kernel.host("redis")
    var options = SimulatedRedisOptions()
    options.replicationLogLength = 16
    options.loadingTime = .milliseconds(20)
    server = SimulatedRedisServer(
      host: host, network: world.network, scripts: CacheScripts.all, options: options)
  }

  /// The stock that is cached of `products`, as the service would read it.
  func items(_ products: [UUID]) -> [ItemRow] { products.compactMap(item) }

  /// The stock that is cached of a product; `nil` when there is none, or a lease in its place.
  func item(_ product: UUID) -> ItemRow? {
    guard let bytes = server.string(at: StockCache.key(product)) else { return nil }
    return StockCoding.item(product, from: bytes).map {
      ItemRow(productId: $0.productId, quantity: $0.quantity, reserved: $0.reserved, version: $0.version)
    }
  }

  // MARK: Faults

  func setRate(of fault: CacheFault, to share: Double) {
    switch fault {
    case .refused: server.faults.refuseConnections = share
    case .connectionLost: server.faults.loseConnection = share
    case .slowCommand: server.faults.slowCommands = share
    }
  }

  func count(of fault: CacheFault) -> Int {
    let counted: [RedisFault] =
      switch fault {
      case .refused: [.connectionRefused]
      case .connectionLost: [.connectionLostBefore, .connectionLostAfter]
      case .slowCommand: [.slowCommand]
      }
    return server.faultCounts.filter { counted.contains($0.fault) }.reduce(0) { $0 + $1.count }
  }

  func crash(_ kind: SimulatedHost.CrashKind) { host.crash(kind) }

  func failOver(losing writes: Int) -> Int {
    guard host.isUp else { return 0 }
    return server.failOver(losing: writes)
  }

  func restart() { server.restart() }
}
