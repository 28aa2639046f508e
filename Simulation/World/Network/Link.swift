internal import SimulationKernel

/// The one-way path from one host to another. It has a random stream of its own, so that traffic elsewhere does not
/// change its weather.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class Link: @unchecked Sendable {
  /// How long messages take.
  public var latency: LatencyDistribution
  /// Added to every latency: a slow link.
  public var delay: Duration = .zero
  /// The share of messages that vanish, 0 ... 1.
  public var loss: Double = 0
  /// Whether the path is cut: everything vanishes, also what is under way.
  public var isCut = false
  /// What happens to HTTP exchanges that go out on this link.
  public var httpFaults = HTTPFaultRates()
  let stream: RandomStream

  init(latency: LatencyDistribution, stream: RandomStream) {
    self.latency = latency
    self.stream = stream
  }

  @inline(__always)
  func loses() -> Bool {
    isCut || (loss > 0 && stream.chance(loss))
  }
}
