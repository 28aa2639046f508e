internal import Checkers
internal import FoundationEssentials
internal import Seams
internal import SimulationKernel

/// A client that mostly reads stock or mostly changes it.
struct Shopper {
  let client: InventoryClient
  let world: InventoryWorld
  /// The longest pause between two operations.
  let think: Duration
  /// How long its reservations live, in seconds.
  let lives: [Int]
  private var held: [UUID] = []

  init(client: InventoryClient, world: InventoryWorld, think: Duration, lives: [Int] = [1, 5, 30]) {
    self.client = client
    self.world = world
    self.think = think
    self.lives = lives
  }

  private var stream: RandomStream { client.stream }

  /// Thinks, then reads or changes something.
  mutating func act(isReader: Bool) async throws {
    try await client.think(stream.duration(in: .zero...think))
    if stream.chance(isReader ? 0.9 : 0.2) { try await read() } else { try await change() }
  }

  private func read() async throws {
    switch stream.index(below: 20) {
    case 0..<13: _ = try await client.perform(.readItem(productId: stream.pick(world.products)))
    case 13..<17: _ = try await client.perform(.readItems(productIds: world.products))
    default: _ = try await client.perform(.readAggregate(stream.pick(Self.aggregates)))
    }
  }

  static let aggregates: [ClientRecord.Aggregate] = [
    .lowStock(threshold: 10, limit: 5), .mostReserved(limit: 3), .stats,
  ]

  private mutating func change() async throws {
    let product = stream.pick(world.products)
    switch stream.index(below: 20) {
    case 0..<8:
      let answer = try await client.perform(
        .reserve(
          orderId: stream.uuid(), lines: world.products.map { .init(productId: $0, quantity: 1) }),
        ttlSeconds: stream.pick(lives))
      if let id = answer?.reservationId { held.append(id) }
    case 8..<12:
      guard let id = held.popLast() else { return }
      _ = try await client.perform(
        stream.chance(0.5) ? .confirm(reservationId: id) : .release(reservationId: id))
    case 12..<15:
      // By the version that was read, perhaps from the cache: the table decides whether it is the current one.
      try await correct(try await client.perform(.readItem(productId: product))?.item)
    case 15..<19:
      let answer = try await client.perform(
        .replenish(productId: product, quantity: 1 + stream.index(below: 5), key: stream.uuid().uuidString))
      // The version that it was told is the current one, whatever the cache still holds.
      if stream.chance(0.5) { try await correct(answer?.item) }
    default: _ = try await client.perform(.expire)
    }
  }

  private func correct(_ item: ItemRow?) async throws {
    guard let item else { return }
    _ = try await client.perform(
      .put(productId: item.productId, quantity: item.quantity + stream.index(below: 9), version: item.version))
  }
}
