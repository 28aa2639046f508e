internal import Seams
internal import SimulationKernel

/// The one-way path from one host to another. It has a random stream of its own, so that traffic elsewhere does not
/// change its weather.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class Link: @unchecked Sendable {
  /// How long messages take.
  public var latency: LatencyDistribution {
    didSet { sampler = LatencySampler(latency) }
  }
  /// Added to every latency: a slow link.
  public var delay: Duration = .zero {
    didSet { extra = delay.nanosecondsClamped }
  }
  /// The share of messages that vanish, 0 ... 1.
  public var loss: Double = 0
  /// How many messages vanished by ``loss``.
  public private(set) var lostMessages = 0
  /// Whether the path is cut: everything vanishes, also what is under way.
  public var isCut = false
  /// What happens to HTTP exchanges that go out on this link.
  public var httpFaults = HTTPFaultRates()
  private var sampler: LatencySampler
  private var extra: Int64 = 0
  let stream: RandomStream

  init(latency: LatencyDistribution, stream: RandomStream) {
    self.latency = latency
    self.stream = stream
    sampler = LatencySampler(latency)
  }

  /// What the next message takes, in nanoseconds.
  @inline(__always)
  func drawLatency() -> Int64 {
    sampler.draw(from: stream) + extra
  }

  @inline(__always)
  func loses() -> Bool {
    if isCut { return true }
    guard loss > 0, stream.chance(loss) else { return false }
    lostMessages += 1
    return true
  }
}
