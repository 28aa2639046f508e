internal import Seams

/// When a pool may try to connect again: after a failure not for a while, which doubles with each one in a row.
struct ConnectBackOff: Sendable {
  private let base: Duration
  private let maximum: Duration
  private var failures = 0
  /// Before this instant nobody connects.
  private(set) var gate = MonotonicInstant(nanoseconds: .min)

  /// - Parameters:
  ///   - base: the pause after a first failure.
  ///   - maximum: the longest pause.
  init(base: Duration, maximum: Duration) {
    self.base = base
    self.maximum = maximum
  }

  func allows(_ now: MonotonicInstant) -> Bool { now >= gate }

  mutating func succeeded() {
    failures = 0
    gate = MonotonicInstant(nanoseconds: .min)
  }

  mutating func failed(now: MonotonicInstant, entropy: any EntropySource) {
    failures += 1
    let nominal = min(maximum, base * (1 << min(failures - 1, 20)))
    gate = max(gate, now.advanced(by: entropy.jittered(nominal, spread: 0.5)))
  }
}
