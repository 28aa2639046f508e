internal import Seams
internal import SimulatedNetwork
public import SimulationKernel

/// Which fault kinds a run has, and how strong each is: drawn from the seed, a named stream for each kind, so that a kind
/// more or less does not change the others (swarm testing: Groce et al., "Swarm testing", ISSTA 2012).
public struct FaultPlan: Sendable {
  /// One kind of the plan.
  public struct Entry: Sendable, Hashable {
    public var kind: FaultKind
    /// 0 ..< 1: scales how often it happens.
    public var intensity: Double

    public init(kind: FaultKind, intensity: Double) {
      self.kind = kind
      self.intensity = intensity
    }
  }

  public private(set) var entries: [Entry]

  /// A plan of these entries.
  public init(_ entries: [Entry]) {
    self.entries = entries
  }

  /// Draws a plan from the run's seed: each of `allowed` is in it with probability one half.
  public static func drawn(from kernel: SimulationKernel, allowing allowed: [FaultKind]) -> FaultPlan {
    FaultPlan(
      allowed.compactMap { kind in
        let stream = kernel.stream("fault plan \(kind.name)")
        let isIn = stream.chance(0.5)
        let intensity = stream.unitInterval()
        return isIn ? Entry(kind: kind, intensity: intensity) : nil
      })
  }

  /// Whether answers may arrive that are not what the service wrote.
  public var damagesAnswers: Bool {
    entries.contains { entry in
      if case .http(let fault) = entry.kind { fault.damagesAnswer } else { false }
    }
  }

  /// The kinds by name, for the report.
  public var summary: String {
    entries.isEmpty ? "no faults" : "faults " + entries.map(\.kind.name).joined(separator: " ")
  }
}
