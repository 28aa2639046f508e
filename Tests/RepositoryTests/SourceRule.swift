/// A construct that the sources must not contain somewhere.
struct SourceRule: Sendable, CustomStringConvertible {
  /// What is banned, as an error names it.
  let name: String
  /// What to do instead.
  let instead: String
  /// What a file contains that may break the rule.
  let markers: [String]
  /// The folders in which the rule holds.
  let folders: [String]
  /// Files and folders that are excepted.
  let exceptions: [String]
  /// Whether a line of code breaks the rule.
  let isBroken: @Sendable (Substring) -> Bool

  var description: String { name }

  /// The places where `files` break the rule: `Sources/Inventory/X.swift:12: UUID(): draw ids from EntropySource`.
  func violations(in files: [Repository.File]) -> [String] {
    files.flatMap { file -> [String] in
      let isMeant = folders.contains { file.path.hasPrefix($0 + "/") }
      guard isMeant, !exceptions.contains(where: { file.path.hasPrefix($0) }) else { return [] }
      guard markers.contains(where: { file.text.contains($0) }) else { return [] }
      return file.code.lines.enumerated().compactMap { number, line in
        markers.contains { line.contains($0) } && isBroken(line)
          ? "\(file.path):\(number + 1): \(name): \(instead)" : nil
      }
    }
  }
}

extension SourceRule {
  /// What stands above the seams, where only they may be asked for time, randomness and tasks.
  static let aboveTheSeams = services + ["Simulation"]
  /// What stands around simulations: it waits for real processes, and measures how long runs take.
  static let parents = ["Simulation/Explorer", "Simulation/Scenarios/ScenarioRunner.swift"]
  /// What starts the first task of a simulated process, on that process's executor.
  static let boot = ["Simulation/Kernel/SimulatedProcess.swift"]
  private static let everywhere = ["Sources", "Simulation"]
  /// The services and what they are built on.
  static let services = [
    "Sources/Seams", "Sources/ServiceKit", "Sources/Inventory", "Sources/InventoryAPI", "Sources/Orders",
    "Sources/Payments",
  ]

  static let all: [SourceRule] = [
    rule("Task { }", ["Task"], /\bTask\s*(<[^>]*>)?\s*[\{\(]/, instead: "use a task group or async let"),
    rule(
      "Task.detached", ["Task"], /\bTask\s*(<[^>]*>)?\s*\.\s*(detached|immediate|init)\b/,
      instead: "use a task group or async let", except: boot),
    rule(
      "Task.sleep without a clock", ["Task"], /\bTask\s*(<[^>]*>)?\s*\.\s*sleep\b(?!.*clock:)/,
      instead: "sleep on a MonotonicClock"),
    rule(
      "Date()", ["Date"], /\bDate\s*(\(\s*\)|\(\s*timeIntervalSinceNow|\.now\b|\.init\(\))/,
      instead: "read a WallClock"),
    rule("UUID()", ["UUID"], /\bUUID\s*(\(\s*\)|\.init\(\s*\))/, instead: "draw ids from EntropySource"),
    rule(
      "SystemRandomNumberGenerator", ["SystemRandomNumberGenerator"], /\bSystemRandomNumberGenerator\b/,
      instead: "draw from EntropySource"),
    rule(
      "random without a generator", ["random", "shuffle"],
      /\.(shuffle|shuffled|randomElement)\(\s*\)|\.random\((?!.*using:)/,
      instead: "pass `using:` a generator over EntropySource"),
    rule(
      "ContinuousClock", ["ContinuousClock", "SuspendingClock"], /\b(ContinuousClock|SuspendingClock)\b/,
      instead: "use MonotonicClock", except: parents),
    rule(
      "Dispatch", ["Dispatch"], /\bDispatch(Time|WallTime|Queue|Source|Semaphore|Group)?\b/,
      instead: "use MonotonicClock and structured concurrency", except: parents),
    rule("NIODeadline.now()", ["NIODeadline"], /\bNIODeadline\b/, instead: "use MonotonicClock"),
    rule(
      "the system's clock", ["clock_gettime", "gettimeofday", "systemUptime"],
      /\b(clock_gettime|gettimeofday|systemUptime)\b/, instead: "use MonotonicClock or WallClock", except: parents),
    rule(
      "Thread", ["Thread", "pthread", "RunLoop", "URLSession"],
      /\b(Thread\s*[\(\.\{]|pthread_create\b|RunLoop\b|URLSession\b)/, instead: "use structured concurrency",
      except: parents),
    rule(
      "import Foundation", ["import"], /^\s*(public |internal |package )?import (struct |class )?Foundation\b/,
      in: services, instead: "FoundationEssentials has what is needed here"),
    rule("try!", ["try!"], /\btry!/, in: everywhere, instead: "throw, or precondition with a message"),
    rule("as!", ["as!"], /\bas!/, in: everywhere, instead: "as? and a precondition with a message"),
  ]

  /// A rule that lines matching `pattern` break; only files that contain one of `markers` are searched.
  private static func rule(
    _ name: String, _ markers: [String], _ pattern: Regex<some Any>, in folders: [String] = aboveTheSeams,
    instead: String, except exceptions: [String] = []
  ) -> SourceRule {
    // "Simple": as Unicode splits words, `UUID` does not begin one in `Foundation.UUID()`.
    let pattern = Pattern(regex: Regex(pattern.wordBoundaryKind(.simple)))
    return SourceRule(
      name: name, instead: instead, markers: markers, folders: folders, exceptions: exceptions,
      isBroken: { $0.contains(pattern.regex) })
  }
}

/// `@unchecked Sendable`: a regex is immutable once it is made; its type does not say so.
private struct Pattern: @unchecked Sendable {
  let regex: Regex<AnyRegexOutput>
}
