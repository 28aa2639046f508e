import FoundationEssentials
import Orders
import Seams
import ServiceKit
import SimulationKernel
import Testing

/// Instances that go away with notifications that they had claimed.
@Suite struct NotificationTakeoverTests {
  /// The first instance dies during the post, which has arrived; the second posts it again when the lease is over.
  @Test(arguments: [UInt64(1), 2, 3])
  func anotherInstanceDeliversWhatADeadOneHadClaimed(_ seed: UInt64) throws {
    let bench = try OrdersBench(seed: seed)
    let receiver = ScriptedReceiver()
    bench.receiver = receiver
    let hosts = [bench.kernel.host("orders-1"), bench.kernel.host("orders-2")]
    let services = Services()
    for (number, host) in hosts.enumerated() {
      host.boot { own in
        let service = bench.service(own)
        services.list[number] = OrdersCaller(service: service, process: own)
        try? await service.run()
      }
    }
    receiver.during = { post in
      guard receiver.posts.count == 1, let number = hosts.firstIndex(where: { $0.name == post.sender }) else { return }
      hosts[number].crash()
      try await services.list[number]?.pause(.seconds(1))
    }
    let outcome = bench.kernel.run { process in
      let clock = process.clock
      try await clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil)
      let id = try await services.list[0]?.order().orderId
      check(id?.isEmpty == false)
      try await clock.sleep(until: clock.now.advanced(by: .seconds(70)), tolerance: nil)
    }
    #expect(outcome == .finished)
    #expect(receiver.counts == [2] && Set(receiver.posts.map(\.sender)).count == 2)
    #expect(receiver.pauses.allSatisfy { (.seconds(59) ... .seconds(61)).contains($0) }, "\(receiver.pauses)")
    #expect(bench.rows("notifications", "attempts", "error") == ["2 -"])
    #expect(bench.rows("notifications", "delivered_at") != ["-"])
  }

  /// `@unchecked Sendable`: only the kernel's thread touches it.
  private final class Services: @unchecked Sendable {
    var list: [Int: OrdersCaller] = [:]
  }
}
