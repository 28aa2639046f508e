/// How much a check may cost before it says that it does not know.
public struct SearchLimits: Sendable {
  /// Calls of the model for each partition; `nil` for no limit. The same limit gives the same verdict everywhere.
  public var steps: Int?
  /// Configurations remembered at the same time: a limit on memory.
  public var configurations: Int
  /// How long the whole check may take, and by which clock.
  public var time: (limit: Duration, clock: any Clock<Duration>)?

  /// Limits.
  public init(
    steps: Int? = nil, configurations: Int = 10_000_000, time: (limit: Duration, clock: any Clock<Duration>)? = nil
  ) {
    self.steps = steps
    self.configurations = configurations
    self.time = time
  }

  /// A function that says whether the time is up, which starts to run now.
  func startTimer() -> () -> Bool {
    guard let time else { return { false } }
    return Self.timer(time.clock, time.limit)
  }

  private static func timer(_ clock: some Clock<Duration>, _ limit: Duration) -> () -> Bool {
    let end = clock.now.advanced(by: limit)
    return { clock.now >= end }
  }
}

/// Why a check ended without knowing.
public enum UndecidedReason: Sendable, Hashable {
  /// The time was up.
  case time
  /// The limit on the calls of the model was reached.
  case steps
  /// The limit on the remembered configurations was reached.
  case memory
}
