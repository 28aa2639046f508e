import ArgumentParser
import Explorer
import Foundation
import Scenarios
import ServiceKit

/// `zoco sim`: plays scenarios over seeds.
struct SimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim",
    abstract: "Play seeded chaos runs of the services in the simulator.",
    discussion: """
      Without arguments: every scenario, for about a minute. A run is decided by its scenario and seed alone; a failure
      prints the command that replays it. Writes reports/simulation.html.

      Examples:
        zoco sim                                    everything
        zoco sim inventory-chaos --seeds 1..1000    one scenario, a thousand seeds
        zoco sim last-item --seed 7 --verify        one run, played again in a second process
        zoco sim inventory-chaos --seed 42 --trace  one run with its events
        zoco sim --planted                          how fast planted bugs are found
        zoco sim --planted cache-race               the same for the bugs that one scenario is to find
        zoco sim --plant lost-charge-declined       the scenarios that are to find one bug, with it

      Exit status: 0 passed, 129 an invariant broke or a planted bug survived, 128 not at rest after the faults had
      healed, 127 crashed or not deterministic, 130 interrupted, 64 wrong use.
      """)

  @Argument(help: ArgumentHelp("The scenarios to play; all without any. See --list.", valueName: "scenario"))
  var scenarios: [String] = []

  @Option(help: ArgumentHelp("Play these seeds, both ends included, as in 1..200.", valueName: "A..B"))
  var seeds: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Play this seed only and print the run's hash.", valueName: "N"),
    transform: { text in
      guard let seed = UInt64(text) else { throw ValidationError("expected a whole number from 0 to \(UInt64.max)") }
      return seed
    })
  var seed: UInt64?

  @Option(help: ArgumentHelp("Worker processes (default: one for each core).", valueName: "N"))
  var jobs: Int?

  @Flag(help: "Play every seed a second time in another process and compare the hashes.")
  var verify = false

  @Flag(help: "Print the events of the run; needs --seed.")
  var trace = false

  @Flag(help: "Plant one bug after the other and show how many seeds it takes to find it.")
  var planted = false

  @Option(help: ArgumentHelp("Play with this planted bug, see --list.", valueName: "bug"))
  var plant: String?

  @Option(help: ArgumentHelp("Write the results to this file as JSON, - for standard output.", valueName: "file"))
  var json: String?

  @Flag(help: "List the scenarios and the planted bugs.")
  var list = false

  @Option(help: ArgumentHelp("Real time one run may take, in seconds.", visibility: .hidden))
  var timeLimit = 60

  @Option(help: ArgumentHelp("Memory one worker may take, in MB.", visibility: .hidden))
  var memoryLimit = 500

  func validate() throws {
    if seed != nil, seeds != nil { throw ValidationError("give --seed or --seeds, not both") }
    if trace, seed == nil { throw ValidationError("--trace prints one run: say which with --seed N") }
    if trace, scenarios.count != 1 { throw ValidationError("--trace prints one run: name one scenario") }
    if planted, plant != nil { throw ValidationError("--planted plants every bug in turn; leave --plant out") }
    if planted, seed != nil || verify || trace {
      throw ValidationError("--planted plays growing seeds from 1; leave --seed, --verify and --trace out")
    }
    if let jobs, !(1...1_024).contains(jobs) { throw ValidationError("--jobs takes a number from 1 to 1024") }
    if timeLimit < 1 || memoryLimit < 1 { throw ValidationError("limits are positive") }
    if let twice = scenarios.first(where: { name in scenarios.count { $0 == name } > 1 }) {
      throw ValidationError("the scenario \(twice) is named twice; name it once")
    }
    if planted, let first = try chosenSeeds()?.first, first != 1 {
      throw ValidationError("--planted plays seeds from 1 on: --seeds 1..N says how far")
    }
    if planted, json != nil { throw ValidationError("--planted writes no JSON; leave --json out") }
    _ = try chosenScenarios()
    _ = try chosenSeeds()
    try checkOutput()
    if let bug = try plantedBug(), let other = scenarios.first(where: { !bug.scenarios.contains($0) }) {
      throw ValidationError(
        "\(other) is not for finding \(bug.name); play \(bug.scenarios.joined(separator: ", ")), or name no scenario")
    }
    if planted, try chosenBugs().isEmpty {
      throw ValidationError("no planted bug is for \(scenarios.joined(separator: ", ")); see --list")
    }
  }

  func run() throws {
    if list {
      print(Self.listing)
      return
    }
    Interruption.watch()
    var limits = WorkerLimits()
    limits.timePerRun = .seconds(timeLimit)
    limits.residentBytes = memoryLimit << 20
    let workers = WorkerSetting(jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount, limits: limits)
    let result: Exit
    if planted {
      result = try PlantedRun(
        bugs: try chosenBugs(), limit: try chosenSeeds()?.last ?? 1_000, workers: workers
      ).run()
    } else {
      result = try SweepRun(
        plans: try plans(), options: sweepOptions, isSingle: seed != nil, trace: trace, json: json, workers: workers
      ).run()
    }
    if result != .passed { throw ExitCode(result.rawValue) }
  }

  /// A file that cannot be written is told before the work, not after it.
  private func checkOutput() throws {
    guard let json, json != "-" else { return }
    let folder = URL(fileURLWithPath: json).deletingLastPathComponent().path
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw ValidationError("--json: there is no folder \(folder); make it first")
    }
    guard files.isWritableFile(atPath: files.fileExists(atPath: json) ? json : folder) else {
      throw ValidationError("--json: \(json) cannot be written; name another file")
    }
  }

  private var sweepOptions: SeedSweep.Options {
    var options = SeedSweep.Options()
    options.verifies = verify
    options.plantedBug = plant
    if trace { options.recording = RunRecording(latestEvents: nil) }
    return options
  }

  private func plans() throws -> [(scenario: any Scenario, seeds: SeedRange)] {
    let range = try chosenSeeds()
    return try chosenScenarios().map { ($0, range ?? SeedRange(1, UInt64($0.defaultSeedCount))) }
  }

  private func chosenSeeds() throws -> SeedRange? {
    if let seed { return SeedRange(seed, seed) }
    guard let seeds else { return nil }
    do {
      return try SeedRange(parsing: seeds)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// Those that are named; else those that the planted bug is for; else all.
  private func chosenScenarios() throws -> [any Scenario] {
    let names = try scenarios.isEmpty ? plantedBug()?.scenarios ?? [] : scenarios
    if names.isEmpty { return ScenarioCatalogue.visible }
    return try names.map { name in
      guard let scenario = ScenarioCatalogue.scenario(named: name) else {
        throw ValidationError(Self.unknown("scenario", name, among: ScenarioCatalogue.visible.map(\.name)))
      }
      return scenario
    }
  }

  private func plantedBug() throws -> PlantedBug? {
    guard let plant else { return nil }
    guard let bug = PlantedBugCatalogue.bug(named: plant) else {
      throw ValidationError(Self.unknown("planted bug", plant, among: PlantedBugCatalogue.all.map(\.name)))
    }
    return bug
  }

  private func chosenBugs() throws -> [PlantedBug] {
    guard !scenarios.isEmpty else { return PlantedBugCatalogue.all }
    return PlantedBugCatalogue.all.compactMap { $0.sought(in: scenarios) }
  }

  static func unknown(_ kind: String, _ name: String, among names: [String]) -> String {
    let nearest = NearestName.of(name, among: names).map { "; did you mean \($0)?" } ?? ""
    return "there is no \(kind) \"\(name)\"\(nearest)\nThere are: \(names.joined(separator: ", "))."
  }

  private static var listing: String {
    var table = TextTable([("scenario", .left), ("seeds", .right), ("what it shows", .left)])
    for scenario in ScenarioCatalogue.visible {
      table.add([scenario.name, String(scenario.defaultSeedCount), scenario.summary])
    }
    var bugs = TextTable([("planted bug", .left), ("scenarios", .left), ("what is broken", .left)])
    for bug in PlantedBugCatalogue.all { bugs.add([bug.name, bug.scenarios.joined(separator: ", "), bug.summary]) }
    return table.text + "\n\n" + bugs.text
  }
}
