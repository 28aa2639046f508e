internal import Seams
internal import SimulationKernel

/// How long a message takes on a link.
public enum LatencyDistribution: Sendable, Hashable {
  /// Always the same.
  case constant(Duration)
  /// Every value of the range alike.
  case uniform(ClosedRange<Duration>)
  /// At least `floor`, then exponentially distributed around `mean` beyond it: most are fast, a few are very late.
  case exponential(floor: Duration, mean: Duration)
}

/// A ``LatencyDistribution`` in plain nanoseconds: every message draws from it.
struct LatencySampler {
  private enum Shape { case constant, uniform, exponential }

  private let shape: Shape
  private let floor: Int64
  private let span: Int64

  init(_ distribution: LatencyDistribution) {
    switch distribution {
    case .constant(let latency): (shape, floor, span) = (.constant, latency.nanosecondsClamped, 0)
    case .uniform(let range):
      floor = range.lowerBound.nanosecondsClamped
      (shape, span) = (.uniform, range.upperBound.nanosecondsClamped - floor)
    case .exponential(let lowest, let mean):
      (shape, floor, span) = (.exponential, lowest.nanosecondsClamped, mean.nanosecondsClamped)
    }
  }

  /// One latency in nanoseconds. Always takes the same number of draws for the same shape.
  @inline(__always)
  func draw(from stream: RandomStream) -> Int64 {
    switch shape {
    case .constant: floor
    case .uniform: floor + Int64(stream.index(below: Int(span) + 1))
    case .exponential: floor + stream.exponential(mean: .nanoseconds(span)).nanosecondsClamped
    }
  }
}
