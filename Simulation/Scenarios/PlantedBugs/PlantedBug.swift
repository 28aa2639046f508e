/// A mistake that is planted on purpose to see whether the simulator finds it: a rewrite of what crosses a seam, or a
/// policy swapped by injection. No production code knows of it.
public struct PlantedBug: Sendable {
  /// The name on the command line, in kebab case.
  public let name: String
  /// What is broken, in one line.
  public let summary: String
  /// The scenarios that are to find it, the likeliest first.
  public let scenarios: [String]
}

/// The planted bugs there are.
public enum PlantedBugCatalogue {
  public static let all: [PlantedBug] = []

  /// The bug called `name`.
  public static func bug(named name: String) -> PlantedBug? {
    all.first { $0.name == name }
  }
}
