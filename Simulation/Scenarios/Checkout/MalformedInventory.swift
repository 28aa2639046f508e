internal import SimulatedNetwork
public import SimulationKernel

/// The inventory does what it is asked for and answers with what nobody can read: orders believe none of it, and undo what
/// they cannot know.
public struct MalformedInventory: Scenario {
  public let name = "malformed-inventory"
  public let summary = "answers of the inventory are cut, garbled or have another status; nobody believes them"
  public let defaultSeedCount = 50

  public init() {}

  public func play(in world: World) -> RunOutcome {
    let stream = world.kernel.stream("shape")
    let clients = 2 + stream.index(below: 8)
    let orders = 2 + stream.index(below: 5)
    let share = stream.pick([0.2, 0.5, 0.9, 1])
    let faults: [HTTPFault] = stream.pick([
      [.garbageBody], [.cutBody], [.wrongLength], [.wrongStatus],
      [.garbageBody, .cutBody, .wrongLength, .wrongStatus],
    ])
    world.note(
      drawn: "\(clients) clients × \(orders) orders, \(Int(share * 100)) % of the answers: "
        + faults.map(\.rawValue).joined(separator: ", "))
    let checkout = CheckoutWorld(
      world, .init(stock: [10_000, 10_000], safety: .seconds(40), answerLimit: .seconds(1)))
    return checkout.play(clients: clients) { client, number in
      if number == 0 {
        for caller in checkout.orders {
          for callee in checkout.inventory {
            let link = checkout.world.network.link(from: caller, to: callee)
            for fault in faults { link.httpFaults[fault] = share / Double(faults.count) }
          }
        }
      }
      for number in 1...orders {
        let id = try await client.order(client.wish("order \(number)", token: "tok_ok"), attempts: 1)
        if let id, client.stream.chance(0.5) { try await client.settle(id) }
      }
    } afterwards: {
      try await checkout.sellOneMoreOfEach()
    }
  }
}
