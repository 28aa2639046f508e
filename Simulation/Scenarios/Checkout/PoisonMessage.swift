internal import Checkers
internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import ServiceKit
internal import SimulatedPostgres
public import SimulationKernel

/// Messages that nobody can process come among the inventory's events: what is no event, what nobody handles, one that
/// takes its consumer down each time, one that waits for a row until it is given up. Each is set aside with its reason; all
/// other events and orders go on.
public struct PoisonMessage: Scenario {
  public let name = "poison-message"
  public let summary = "messages that cannot be processed are set aside with their reasons, and hinder nothing"
  public let defaultSeedCount = 50

  public init() {}

  /// A message of which nothing good can come.
  private struct Poison: Sendable {
    var id: UUID
    var body: String
    /// What its dead letter's reason contains.
    var reason: String
    var takesDown = false
  }

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 6)
    let orders = 2 + stream.index(below: 5)
    let all = poisons(stream)
    let poisons = all.filter { _ in stream.chance(0.6) }
    let holdsRow = stream.chance(0.3)
    world.note(
      drawn: "\(clients) clients × \(orders) orders, \(poisons.count) messages that cannot be processed"
        + (holdsRow ? ", one that waits for a row" : ""))
    let checkout = CheckoutWorld(world, .init(stock: [10_000, 10_000], safety: .seconds(60)))
    crashConsumers(checkout, at: Set(poisons.filter(\.takesDown).map(\.id)))
    return checkout.play(clients: clients) { client, number in
      for order in 1...orders {
        let id = try await client.order(client.wish("order \(order)", token: "tok_ok"), attempts: 20)
        var status: String?
        if let id { status = try await client.settle(id) }
        checkout.mustBeConfirmed(id, status)
        // Not before the first order: the consumers have declared their queue by then.
        guard number == 0, order == 1 else { continue }
        for poison in poisons { try await publish(poison, checkout, client) }
        if holdsRow, let id { try await holdRow(of: id, checkout, client) }
      }
    } afterwards: {
      try await waitUntilSetAside(poisons, checkout)
      try await checkout.sellOneMoreOfEach()
    }
  }

  private func poisons(_ stream: RandomStream) -> [Poison] {
    let ids = (0..<8).map { _ in stream.uuid() }
    func event(_ number: Int, _ type: String, _ data: [JSONMember]) -> String {
      let event = CloudEvent(id: ids[number], source: "urn:zoco:rogue", type: type, data: .object(data))
      return String(buffer: event.encoded)
    }
    let order = JSONMember("orderId", .string(stream.uuid().canonicalText))
    return [
      Poison(
        id: ids[6], body: event(6, "InventoryReleased", [order, JSONMember("reason", .string("Expired"))]),
        reason: "names no reason"),
      Poison(id: ids[7], body: event(7, "StockDepleted", [order]), reason: "names no product"),
      Poison(id: ids[0], body: "\u{0}\u{1} no JSON at all \(ids[0])", reason: "it is no event"),
      Poison(id: ids[1], body: "{\"id\":\"\(ids[1].canonicalText)\",\"orderId\":7}", reason: "it is no event"),
      Poison(id: ids[2], body: event(2, "InventoryPainted", []), reason: "nothing handles the type"),
      Poison(
        id: ids[3], body: event(3, "InventoryReleased", [JSONMember("reason", .string("expired"))]),
        reason: "names no order"),
      Poison(
        id: ids[4],
        body: event(
          4, "InventoryConfirmed", [JSONMember("orderId", .string(stream.uuid().canonicalText))]),
        reason: "took its consumer down", takesDown: true),
      Poison(
        id: ids[5], body: event(5, "InventoryConfirmed", [JSONMember("orderId", .string("🍋\u{0}' OR 1=1"))]),
        reason: "names no order"),
    ]
  }

  private func publish(_ poison: Poison, _ checkout: CheckoutWorld, _ client: CheckoutClient) async throws {
    checkout.judge.foreign.insert(poison.id)
    try await checkout.broker.publish(
      poison.body, id: poison.id, routingKey: "inventory.confirmed", on: client.process)
  }

  /// Lets the orders' instances die whenever an attempt of one of `events` is counted.
  private func crashConsumers(_ checkout: CheckoutWorld, at events: Set<UUID>) {
    checkout.judge.onOrdersCommit = { commit in
      let isHit = commit.inbox.contains { change in
        guard let new = change.new, events.contains(new.eventId) else { return false }
        // The sixth time it is buried before anything is done.
        return new.deadAt == nil && new.attempts <= 5
      }
      guard isHit else { return }
      checkout.kernel.schedule(after: .zero) {
        for host in checkout.orders where host.isUp {
          host.crash()
          checkout.kernel.schedule(after: .milliseconds(100)) { host.restart() }
        }
      }
    }
  }

  /// Holds an order's row for longer than five attempts last, and publishes an event that needs it.
  private func holdRow(of order: UUID, _ checkout: CheckoutWorld, _ client: CheckoutClient) async throws {
    let id = client.stream.uuid()
    let deadline = client.process.clock.now.advanced(by: .seconds(400))
    let connection = try await checkout.ordersDatabase.server.connector(for: client.process).connect(
      deadline: deadline)
    _ = try await connection.executeBatch(
      ["BEGIN", "SELECT id FROM orders WHERE id = \(order) FOR UPDATE"], deadline: deadline)
    let data = [
      JSONMember("reason", .string("expired")), JSONMember("orderId", .string(order.canonicalText)),
    ]
    let event = CloudEvent(id: id, source: "urn:zoco:rogue", type: "InventoryReleased", data: .object(data))
    checkout.judge.foreign.insert(id)
    try await checkout.broker.publish(
      String(buffer: event.encoded), id: id, routingKey: "inventory.released", on: client.process)
    for _ in 0..<300 {
      if checkout.judge.ordersShadow.inbox[id]?.deadAt != nil { break }
      try await client.think(.seconds(1))
    }
    connection.close()
    let attempts = checkout.judge.ordersShadow.inbox[id]?.attempts
    guard attempts == 5 else {
      return checkout.world.violate(
        Invariant.poisonIsSetAside.rawValue, ["an event that waits for a row: \(attempts ?? 0) attempts, not 5"])
    }
    try await retry(id, checkout, client)
  }

  /// Once what was wrong is put right, an operator sends the dead letter on its way again, and its event takes effect.
  private func retry(_ event: UUID, _ checkout: CheckoutWorld, _ client: CheckoutClient) async throws {
    let shadow = checkout.judge.ordersShadow
    guard let letter = shadow.deadLetters.values.first(where: { $0.eventId == event })?.id else { return }
    // The instances may be down at the moment: other messages are poison for them.
    for _ in 0..<60 where shadow.inbox[event]?.processedAt == nil {
      _ = try await client.administer(.post, "/admin/dlq/\(letter.canonicalText)/retry")
      try await client.think(.seconds(1))
    }
    _ = try await client.administer(.get, "/admin/dlq")
    if shadow.inbox[event]?.processedAt == nil || shadow.deadLetters[letter]?.resolution == nil {
      checkout.world.violate(
        Invariant.deadLetterIsRetried.rawValue,
        [shadow.inbox[event].map { "\($0)" } ?? "none", shadow.deadLetters[letter].map { "\($0)" } ?? "none"])
    }
  }

  private func waitUntilSetAside(_ poisons: [Poison], _ checkout: CheckoutWorld) async throws {
    let client = checkout.makeClient("operator")
    for poison in poisons {
      var letter: DeadLetterRow?
      for _ in 0..<120 where letter == nil {
        letter = checkout.judge.ordersShadow.deadLetters.values.first {
          $0.reason.contains(poison.reason) && ($0.eventId == poison.id || $0.eventId == nil)
        }
        if letter == nil { try await client.think(.seconds(1)) }
      }
      if letter == nil {
        let found = checkout.judge.ordersShadow.deadLetters.values.map(\.description).sorted()
        return checkout.world.violate(
          Invariant.poisonIsSetAside.rawValue, ["no dead letter says of a message: \(poison.reason)"] + found)
      }
    }
  }
}
