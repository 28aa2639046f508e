internal import SimulationKernel

/// How long a message takes on a link.
public enum LatencyDistribution: Sendable, Hashable {
  /// Always the same.
  case constant(Duration)
  /// Every value of the range alike.
  case uniform(ClosedRange<Duration>)
  /// At least `floor`, then exponentially distributed around `mean` beyond it: most are fast, a few are very late.
  case exponential(floor: Duration, mean: Duration)

  /// Draws one latency from `stream`. Always takes the same number of draws for the same case.
  @inline(__always)
  func draw(from stream: RandomStream) -> Duration {
    switch self {
    case .constant(let latency): latency
    case .uniform(let range): stream.duration(in: range)
    case .exponential(let floor, let mean): floor + stream.exponential(mean: mean)
    }
  }
}
