/// The targets of Package.swift, read from its text: name, folder, and the targets each depends on.
struct Manifest {
  struct Target {
    let name: String
    let isOfTheHarness: Bool
    let dependencies: [String]
  }

  let targets: [String: Target]

  init(_ text: String) {
    var targets: [String: Target] = [:]
    let code = Substring(text)
    // Calls that declare a target; the last one's are SwiftPM's own.
    for kind in ["library(", "simulation(", ".executableTarget(", ".target(", ".systemLibrary("] {
      for call in Self.calls(of: kind, in: code) {
        let strings = Self.strings(in: call)
        guard let name = strings.first else { continue }
        let list = Self.firstList(in: call).map(Self.strings) ?? []
        let folder = strings.first { $0.hasPrefix("Simulation/") || $0.hasPrefix("Sources/") }
        let isOfTheHarness =
          kind == "simulation(" || folder?.hasPrefix("Simulation/") == true || name == "CSimulationTraps"
        targets[name] = Target(name: name, isOfTheHarness: isOfTheHarness, dependencies: list)
      }
    }
    self.targets = targets
  }

  /// Everything that `name` links, itself included.
  func closure(of name: String) -> Set<String> {
    var found: Set<String> = []
    var open = [name]
    while let next = open.popLast() {
      guard found.insert(next).inserted else { continue }
      open += targets[next]?.dependencies ?? []
    }
    return found
  }

  /// The texts between the parentheses of each call of `function` that stands at the start of a line.
  private static func calls(of function: String, in text: Substring) -> [Substring] {
    var found: [Substring] = []
    var line = text.startIndex
    while line < text.endIndex {
      let rest = text[line...].drop { $0 == " " }
      if rest.hasPrefix(function) {
        let start = rest.index(rest.startIndex, offsetBy: function.count)
        found.append(balanced(text[start...], open: "(", close: ")"))
      }
      guard let newline = text[line...].firstIndex(of: "\n") else { break }
      line = text.index(after: newline)
    }
    return found
  }

  private static func firstList(in call: Substring) -> Substring? {
    guard let open = call.firstIndex(of: "[") else { return nil }
    return balanced(call[call.index(after: open)...], open: "[", close: "]")
  }

  /// `text` up to the closing character that matches one before its start.
  private static func balanced(_ text: Substring, open: Character, close: Character) -> Substring {
    var depth = 1
    for index in text.indices {
      if text[index] == open { depth += 1 }
      if text[index] == close { depth -= 1 }
      if depth == 0 { return text[..<index] }
    }
    return text
  }

  private static func strings(in text: Substring) -> [String] {
    let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
    return parts.enumerated().compactMap { $0 % 2 == 1 ? String($1) : nil }
  }
}
