public import SimulationKernel

/// A topology, a workload, the faults it allows and the invariants that judge it.
///
/// A run has two phases. In *safety* faults happen and no invariant may ever break. Then every fault heals, and in
/// *liveness* the system must come to rest within a bound of virtual time.
public protocol Scenario: Sendable {
  /// The name on the command line, in kebab case.
  var name: String { get }
  /// What it shows, in one line.
  var summary: String { get }
  /// How many seeds a run without `--seeds` plays.
  var defaultSeedCount: Int { get }
  /// Whether `--list` and a run of all scenarios leave it out.
  var isHidden: Bool { get }
  /// Plays one run in `world` until it ends.
  func play(in world: World) -> RunOutcome
}

extension Scenario {
  public var isHidden: Bool { false }
}

/// The scenarios there are.
public enum ScenarioCatalogue {
  /// Every scenario, the hidden ones too.
  public static let all: [any Scenario] = stock + orders + selfTests

  private static let stock: [any Scenario] = [
    LastItem(), StaleVersion(), Expiry(), OppositeOrder(), InventoryChaos(), CacheRace(), RedisDown(),
  ]

  private static let orders: [any Scenario] = [
    Checkout(), CheckoutChaos(), CrashMidSaga(), InventoryDown(), SlowInventory(), MalformedInventory(),
    PaymentLost(), PaymentDeclined(), ExpiryAgainstPayment(), CancelRace(), IdempotencyStorm(), BrokerRestart(),
    DuplicateDelivery(), PoisonMessage(),
  ]

  private static let selfTests: [any Scenario] = [
    SelfTestEcho(), SelfTestViolation(), SelfTestStuck(), SelfTestTrap(), SelfTestSpin(), SelfTestMemory(),
    SelfTestNondeterminism(),
  ]

  /// The scenarios that `--list` shows, in its order.
  public static var visible: [any Scenario] { all.filter { !$0.isHidden } }

  /// The scenario called `name`.
  public static func scenario(named name: String) -> (any Scenario)? {
    all.first { $0.name == name }
  }
}
