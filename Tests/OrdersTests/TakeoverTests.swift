import FoundationEssentials
import HTTPTypes
import InventoryAPI
import Orders
import Seams
import ServiceKit
import SimulationKernel
import Testing

/// Instances that go away in the middle of a saga, and others that go on with it.
@Suite struct TakeoverTests {
  /// The first instance dies during a call, before or after it took effect; the second goes on when the lease is over.
  @Test(arguments: ["reserve", "charge", "confirm"], [false, true])
  func anotherInstanceGoesOnWithTheSaga(_ call: String, _ tookEffect: Bool) throws {
    let bench = try OrdersBench()
    let (first, services) = Self.bootTwo(on: bench)
    let die: @Sendable (String) async throws -> Void = { name in
      guard name == call, first.process != nil else { return }
      first.crash()
      try await services[0].pause(.seconds(1))
    }
    if tookEffect {
      (bench.inventory.after, bench.payments.after) = (die, die)
    } else {
      (bench.inventory.during, bench.payments.during) = (die, die)
    }
    let outcome = bench.kernel.run { process in
      let clock = process.clock
      try await clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil)
      let id = try await services[0].order().orderId
      check(!id.isEmpty)
      try await clock.sleep(until: clock.now.advanced(by: .seconds(70)), tolerance: nil)
      let order = try await services[1].send(.get, "/orders/\(id)")
      check(order.history == ["PENDING", "RESERVED", "PAID", "CONFIRMED"], "\(order.json)")
    }
    #expect(outcome == .finished)
    #expect(bench.payments.statuses == ["captured"])
    #expect(bench.inventory.reservations.values.map(\.status) == [.confirmed])
    #expect(bench.rows("saga_steps", "step", "attempts").contains("\(call) 2"))
    #expect(bench.rows("notifications", "type") == ["order_confirmed"])
    #expect(bench.rows("outbox", "type") == ["OrderConfirmed", "OrderCreated"])
  }

  /// What the second instance learns of its own call says nothing of the first one's, which took effect.
  @Test(arguments: [true, false])
  func whatTheFirstInstanceReservedIsReleasedThoughTheSecondReservesNothing(_ isRefused: Bool) throws {
    let bench = try OrdersBench()
    let (first, services) = Self.bootTwo(on: bench)
    bench.inventory.after = { name in
      guard name == "reserve", first.process != nil else { return }
      if isRefused {
        bench.inventory.reserveResults = [.productsNotFound([product(1)], isConclusive: true)]
      } else {
        bench.inventory.troubles["reserve"] = [.failure(.connectFailed)]
      }
      first.crash()
      try await services[0].pause(.seconds(1))
    }
    let outcome = bench.kernel.run { process in
      let clock = process.clock
      try await clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil)
      let id = try await services[0].order().orderId
      try await clock.sleep(until: clock.now.advanced(by: .seconds(70)), tolerance: nil)
      let order = try await services[1].send(.get, "/orders/\(id)")
      check(order.history == ["PENDING", "FAILED"], "\(order.json)")
    }
    #expect(outcome == .finished)
    #expect(bench.inventory.calls.map { $0.split(separator: " ")[0] } == ["reserve", "reserve", "release"])
    #expect(bench.inventory.reservations.values.map(\.status) == [.released])
  }

  /// An instance stands still for longer than its lease, and finds when it goes on that the saga is another's.
  @Test(arguments: [UInt64(1), 2, 3])
  func anInstanceThatStoodStillRecordsNothing(_ seed: UInt64) throws {
    let bench = try OrdersBench(seed: seed)
    let (first, services) = Self.bootTwo(on: bench)
    bench.payments.during = { _ in
      guard bench.payments.calls.count == 1 else { return }
      first.pause()
      bench.kernel.schedule(after: .seconds(90)) { first.resume() }
      try await services[0].pause(.milliseconds(1))
    }
    let outcome = bench.kernel.run { process in
      let clock = process.clock
      try await clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil)
      let id = try await services[0].order().orderId
      try await clock.sleep(until: clock.now.advanced(by: .seconds(120)), tolerance: nil)
      let order = try await services[1].send(.get, "/orders/\(id)")
      check(order.history == ["PENDING", "RESERVED", "PAID", "CONFIRMED"], "\(order.json)")
    }
    #expect(outcome == .finished)
    #expect(bench.payments.calls == ["charge", "charge"])
    #expect(bench.payments.statuses == ["captured"])
    #expect(bench.inventory.calls == ["reserve", "confirm"])
    #expect(bench.rows("notifications", "type") == ["order_confirmed"])
  }

  /// Two instances on hosts of their own.
  ///
  /// - Returns: the host of the first, and both as their callers see them.
  private static func bootTwo(on bench: OrdersBench) -> (first: SimulatedHost, services: Services) {
    let hosts = ["orders-1", "orders-2"].map { bench.kernel.host($0) }
    let services = Services()
    for (number, host) in hosts.enumerated() {
      host.boot { own in
        let service = bench.service(own)
        services.list[number] = OrdersCaller(service: service, process: own)
        try? await service.run()
      }
    }
    return (hosts[0], services)
  }

  /// `@unchecked Sendable`: only the kernel's thread touches it.
  private final class Services: @unchecked Sendable {
    var list: [Int: OrdersCaller] = [:]

    subscript(number: Int) -> OrdersCaller {
      guard let caller = list[number] else { preconditionFailure("instance \(number) has not started") }
      return caller
    }
  }
}
