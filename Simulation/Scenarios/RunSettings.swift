internal import SimulationKernel

/// Everything that decides a run: two runs with equal settings have the same hash.
public struct RunSettings: Sendable, Hashable, Codable {
  /// The scenario's name.
  public var scenario: String
  /// The seed, from which the run draws everything.
  public var seed: UInt64
  /// The planted bug the run carries, by name.
  public var plantedBug: String?

  /// A run of `scenario` with `seed`.
  public init(scenario: String, seed: UInt64, plantedBug: String? = nil) {
    self.scenario = scenario
    self.seed = seed
    self.plantedBug = plantedBug
  }

  /// The command that plays this run again.
  public var replayCommand: String {
    let bug = plantedBug.map { " --plant \($0)" } ?? ""
    return "./zoco sim \(scenario) --seed \(seed)\(bug)"
  }
}

/// What a run keeps of its events. It changes nothing in the run.
public struct RunRecording: Sendable, Hashable, Codable {
  /// Keep the latest this many events; 0 keeps none, `nil` keeps all.
  public var latestEvents: Int?
  /// Of the kept events, hand out those from this number on.
  public var fromEvent: UInt64 = 0
  /// Of the kept events, hand out those before this number.
  public var beforeEvent: UInt64 = .max
  /// Keep the hash after every this many events, 0 for none.
  public var checkpointInterval: UInt64 = 0

  /// Only the hash.
  public static let hashOnly = RunRecording(latestEvents: 0)

  /// The latest `count` events, `nil` for all.
  public init(latestEvents count: Int?) {
    latestEvents = count
  }

  var retention: Trace.Retention {
    switch latestEvents {
    case nil: .all
    case 0: .hashOnly
    case .some(let count): .latest(count)
    }
  }
}
