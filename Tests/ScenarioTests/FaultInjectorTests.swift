import Faults
import Seams
import SimulatedNetwork
import SimulationKernel
import Testing

/// A database that only notes what is done to it.
private final class NotedDatabase: FaultableDatabase, @unchecked Sendable {
  var rates: [DatabaseFault: Double] = [:]
  var crashes = 0
  var isUp = true

  func setRate(of fault: DatabaseFault, to share: Double) { rates[fault] = share }
  func count(of fault: DatabaseFault) -> Int { 0 }

  func crash(_ kind: SimulatedHost.CrashKind) {
    crashes += 1
    isUp = false
  }

  func failOver(losing commits: Int) -> Int {
    crash(.process)
    return commits
  }

  func restart() { isUp = true }
}

@Suite struct FaultInjectorTests {
  @Test func aSeedAlwaysDrawsTheSamePlanAndOtherSeedsOtherPlans() {
    let plans = (UInt64(1)...20).map { FaultPlan.drawn(from: SimulationKernel(seed: $0), allowing: FaultKind.all) }
    let again = (UInt64(1)...20).map { FaultPlan.drawn(from: SimulationKernel(seed: $0), allowing: FaultKind.all) }
    #expect(plans.map(\.entries) == again.map(\.entries))
    #expect(Set(plans.map(\.summary)).count == 20)
  }

  @Test func oneKindLessDoesNotChangeTheOthers() {
    let kernel = SimulationKernel(seed: 5)
    let all = FaultPlan.drawn(from: kernel, allowing: FaultKind.all)
    let fewer = FaultPlan.drawn(from: kernel, allowing: FaultKind.all.filter { $0 != .hostCrash })
    #expect(all.entries.filter { $0.kind != .hostCrash } == fewer.entries)
  }

  @Test func everyKindHasANameOfItsOwn() {
    let all = FaultKind.all + FaultKind.ofCache + FaultKind.ofBroker
    #expect(Set(all.map(\.name)).count == all.count)
  }

  // MARK: Episodes that overlap

  /// A service, its client and a database with an injector on them, and a clock that is moved by hand.
  private struct Bench {
    let kernel = SimulationKernel(seed: 3)
    let network: Network
    let service: SimulatedHost
    let database = NotedDatabase()
    let injector: FaultInjector
    let link: Link

    init() {
      network = Network(kernel: kernel)
      service = kernel.host("service")
      let client = kernel.host("client")
      service.boot { _ in }
      client.boot { _ in }
      link = network.link(from: client, to: service)
      injector = FaultInjector(
        kernel: kernel, network: network,
        targets: .init(services: [.init(service, needs: [])], clients: [client], databases: [(nil, database)]))
    }

    func run(untilMilliseconds time: Int64) {
      kernel.runLoop(until: MonotonicInstant(nanoseconds: time * 1_000_000))
    }
  }

  @Test func aLinkIsWholeWhenTheLastPartitionOfItIsOver() {
    let bench = Bench()
    bench.injector.cut([bench.link], for: .seconds(1))
    bench.run(untilMilliseconds: 500)
    bench.injector.cut([bench.link], for: .seconds(2))
    bench.run(untilMilliseconds: 1_100)
    #expect(bench.link.isCut)
    bench.run(untilMilliseconds: 2_600)
    #expect(!bench.link.isCut)
    bench.kernel.reap()
  }

  /// The newer episode outlasts the older one, or ends before it.
  @Test(arguments: [(Int64(2_000), Duration.milliseconds(20)), (200, .milliseconds(10))])
  func aLinkIsAsSlowAsTheLatestEpisodeThatLasts(_ life: Int64, _ between: Duration) {
    let bench = Bench()
    bench.injector.slow([bench.link], by: .milliseconds(10), for: .seconds(1))
    bench.run(untilMilliseconds: 500)
    bench.injector.slow([bench.link], by: .milliseconds(20), for: .milliseconds(life))
    #expect(bench.link.delay == .milliseconds(20))
    // One of the two is over, the other is not.
    bench.run(untilMilliseconds: life > 500 ? 1_100 : 800)
    #expect(bench.link.delay == between)
    bench.run(untilMilliseconds: 3_000)
    #expect(bench.link.delay == .zero)
    bench.kernel.reap()
  }

  @Test func theEndOfAPauseThatACrashEndedDoesNotEndTheNextOne() {
    let bench = Bench()
    bench.injector.pause(bench.service, for: .seconds(1))
    bench.run(untilMilliseconds: 300)
    bench.service.crash()
    bench.service.restart()
    bench.injector.pause(bench.service, for: .seconds(2))
    bench.run(untilMilliseconds: 1_100)
    #expect(bench.service.isPaused)
    bench.run(untilMilliseconds: 2_400)
    #expect(!bench.service.isPaused)
    bench.kernel.reap()
  }

  @Test func theEndOfAnOutageDoesNotEndTheNextOne() {
    let bench = Bench()
    bench.injector.takeDown(bench.database, for: .seconds(2)) { bench.database.crash(.process) }
    bench.run(untilMilliseconds: 500)
    // The same outage: it ends when the first of the two is over.
    bench.injector.takeDown(bench.database, for: .seconds(1)) { bench.database.crash(.power) }
    bench.run(untilMilliseconds: 1_600)
    #expect(bench.database.isUp)
    bench.injector.takeDown(bench.database, for: .seconds(2)) { bench.database.crash(.process) }
    bench.run(untilMilliseconds: 2_100)
    #expect(!bench.database.isUp)
    bench.run(untilMilliseconds: 3_700)
    #expect(bench.database.isUp)
    bench.kernel.reap()
  }

  @Test func faultsHappenUntilEverythingHealsAndNotAfter() {
    let kernel = SimulationKernel(seed: 11)
    let network = Network(kernel: kernel)
    let services = [kernel.host("service-1"), kernel.host("service-2")]
    let client = kernel.host("client")
    let databaseHost = kernel.host("database")
    for host in services + [client] { host.boot { _ in } }
    let database = NotedDatabase()
    let injector = FaultInjector(
      kernel: kernel, network: network,
      targets: .init(
        services: services.map { .init($0, needs: [databaseHost]) }, clients: [client],
        databases: [(databaseHost, database)]))
    injector.start(FaultPlan(FaultKind.all.map { .init(kind: $0, intensity: 0.9) }))
    #expect(network.link(from: client, to: services[0]).httpFaults[.refused] > 0)
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 60_000_000_000))
    let episodic: [FaultKind] = [
      .hostCrash, .hostPowerLoss, .hostPause, .clockSkew, .clockDrift, .partition, .oneWayPartition, .slowLink,
      .databaseRestart, .databasePowerLoss, .databaseFailOver,
    ]
    for kind in episodic {
      #expect(injector.happened.contains { $0.kind == kind && $0.count > 0 }, "\(kind.name) did not happen")
    }
    #expect(database.crashes > 0)

    injector.heal()
    let counted = injector.happened.reduce(0) { $0 + $1.count }
    for host in services {
      #expect(host.isUp && host.isPowered && !host.isPaused && host.driftPPM == 0 && host.wallSkew == .zero)
      for other in [client, databaseHost] {
        for link in [network.link(from: host, to: other), network.link(from: other, to: host)] {
          #expect(!link.isCut && link.loss == 0 && link.delay == .zero && link.httpFaults == HTTPFaultRates())
        }
      }
    }
    #expect(database.isUp && database.rates.values.allSatisfy { $0 == 0 })
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 120_000_000_000))
    #expect(injector.happened.reduce(0) { $0 + $1.count } == counted)
    let allAreUp = services.allSatisfy { $0.isUp }
    #expect(allAreUp)
    kernel.reap()
  }
}
