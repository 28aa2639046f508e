internal import Checkers
internal import FoundationEssentials
internal import Seams
internal import ServiceKit
internal import SimulationKernel

/// One client of the chaos: what it does next is drawn from its stream.
struct Customer {
  let client: InventoryClient
  let world: InventoryWorld
  /// The longest pause between two operations.
  let think: Duration
  private var held: [UUID] = []
  private var orders: [UUID] = []

  init(client: InventoryClient, world: InventoryWorld, think: Duration) {
    self.client = client
    self.world = world
    self.think = think
  }

  private var stream: RandomStream { client.stream }

  /// Thinks, then does one thing.
  mutating func act(_ number: Int) async throws {
    try await client.think(stream.duration(in: .zero...think))
    switch stream.index(below: 100) {
    case 0..<40: try await order()
    case 40..<55: try await endOne(.confirm)
    case 55..<65: try await endOne(.release)
    case 65..<69: try await releaseByOrder()
    case 69..<73: try await correct()
    case 73..<78: try await replenish()
    case 78..<88: _ = try await client.perform(.readItem(productId: stream.pick(world.products)))
    case 88..<93: try await readReservation()
    case 93..<96: _ = try await client.perform(.readAggregate(stream.pick(Self.aggregates)))
    default: _ = try await client.perform(.expire)
    }
  }

  private static let aggregates: [ClientRecord.Aggregate] = [
    .lowStock(threshold: 10, limit: 5), .mostReserved(limit: 3), .stats,
  ]

  private enum End { case confirm, release }

  /// Reserves some products; sometimes the same request goes out twice at the same time.
  private mutating func order() async throws {
    let order = stream.uuid()
    orders.append(order)
    var products = world.products
    let count = 1 + stream.index(below: min(5, products.count))
    for index in 0..<count { products.swapAt(index, index + stream.index(below: products.count - index)) }
    let largest = stream.pick([1, 2, 5, 40])
    let lines = products[..<count].map {
      ClientRecord.Line(productId: $0, quantity: 1 + stream.index(below: largest))
    }
    let life = stream.pick([1, 2, 5, 30])
    let operation = ClientRecord.Operation.reserve(orderId: order, lines: lines)
    let answer: ClientRecord.Answer?
    if stream.chance(0.1) {
      async let first = client.perform(operation, ttlSeconds: life)
      async let second = client.perform(operation, ttlSeconds: life)
      let (one, two) = try await (first, second)
      answer = one ?? two
    } else {
      answer = try await client.perform(operation, ttlSeconds: life)
    }
    if let id = answer?.reservationId {
      held.append(id)
    } else if answer == nil, stream.chance(0.5) {
      // The caller never learned whether it holds something: it gives up the order.
      _ = try await client.perform(.releaseOrder(orderId: order))
    }
  }

  private mutating func endOne(_ end: End) async throws {
    guard !held.isEmpty else { return try await order() }
    let index = stream.index(below: held.count)
    let id = held[index]
    // Now and then what has ended is ended again, or otherwise.
    if stream.chance(0.8) { held.remove(at: index) }
    let operation: ClientRecord.Operation =
      end == .confirm ? .confirm(reservationId: id) : .release(reservationId: id)
    if stream.chance(0.15) {
      let other: ClientRecord.Operation =
        stream.chance(0.5) ? .confirm(reservationId: id) : .release(reservationId: id)
      async let first = client.perform(operation)
      async let second = client.perform(other)
      _ = try await (first, second)
    } else {
      _ = try await client.perform(operation)
    }
  }

  private mutating func releaseByOrder() async throws {
    // Half of the time an order whose reserve is still on its way, or never came.
    if stream.chance(0.5), let order = orders.last {
      _ = try await client.perform(.releaseOrder(orderId: order))
      return
    }
    let order = stream.uuid()
    let lines = [ClientRecord.Line(productId: stream.pick(world.products), quantity: 1)]
    async let release = client.perform(.releaseOrder(orderId: order))
    async let reserve = client.perform(.reserve(orderId: order, lines: lines), ttlSeconds: 2)
    if let id = try await (release, reserve).1?.reservationId { held.append(id) }
  }

  /// Reads an item and writes its quantity anew, by its version.
  private func correct() async throws {
    let product = stream.pick(world.products)
    guard let item = try await client.perform(.readItem(productId: product))?.item else { return }
    let quantity = max(0, item.quantity + stream.index(below: 41) - 15)
    _ = try await client.perform(.put(productId: product, quantity: quantity, version: item.version))
  }

  private func replenish() async throws {
    let key = stream.uuid().canonicalText
    _ = try await client.perform(
      .replenish(productId: stream.pick(world.products), quantity: 1 + stream.index(below: 30), key: key))
  }

  private func readReservation() async throws {
    guard !held.isEmpty else { return }
    _ = try await client.perform(.readReservation(reservationId: stream.pick(held)))
  }
}
