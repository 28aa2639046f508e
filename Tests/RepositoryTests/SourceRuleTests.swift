import Testing

@Suite struct SourceRuleTests {
  @Test(arguments: SourceRule.all)
  func theSourcesKeepTheRule(_ rule: SourceRule) {
    let violations = rule.violations(in: Repository.sources)
    #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
  }

  @Test func thereAreSourcesToJudge() {
    let paths = Repository.sources.map(\.path)
    for folder in SourceRule.aboveTheSeams {
      #expect(paths.contains { $0.hasPrefix(folder + "/") }, "no Swift file below \(folder)")
    }
  }

  /// Lines that break a rule, each with the rule's name: planted in a file, they must be found where they are.
  @Test(arguments: [
    ("    Task { await run() }", "Task { }"),
    ("    let task = Task<Void, Never> { }", "Task { }"),
    ("    Task(priority: .high) { }", "Task { }"),
    ("    Task.detached { }", "Task.detached"),
    ("    try await Task.sleep(for: .seconds(1))", "Task.sleep without a clock"),
    ("    try await Task.sleep(nanoseconds: 5)", "Task.sleep without a clock"),
    ("    let now = Date()", "Date()"),
    ("    let now = Date.now", "Date()"),
    ("    let id = UUID()", "UUID()"),
    ("    log(\"new id \\(UUID())\")", "UUID()"),
    ("    var generator = SystemRandomNumberGenerator()", "SystemRandomNumberGenerator"),
    ("    let die = Int.random(in: 1...6)", "random without a generator"),
    ("    let order = items.shuffled()", "random without a generator"),
    ("    let start = ContinuousClock().now", "ContinuousClock"),
    ("    let start = DispatchTime.now()", "Dispatch"),
    ("    DispatchQueue.global().async { }", "Dispatch"),
    ("    let end = NIODeadline.now() + .seconds(1)", "NIODeadline.now()"),
    ("    clock_gettime(CLOCK_REALTIME, &time)", "the system's clock"),
    ("    Thread.sleep(forTimeInterval: 1)", "Thread"),
    ("import Foundation", "import Foundation"),
    ("    try! run()", "try!"),
    ("    let text = value as! String", "as!"),
  ])
  func aPlantedLineIsFound(_ line: String, _ name: String) {
    let file = Repository.File(path: "Sources/Inventory/Planted.swift", text: "import Seams\n\n\(line)\n")
    let found = SourceRule.all.flatMap { $0.violations(in: [file]) }
    #expect(found.contains { $0.hasPrefix("Sources/Inventory/Planted.swift:3: \(name): ") }, "\(found)")
  }

  @Test(arguments: [
    "    // Task { } and UUID() in a comment",
    "    let text = \"Task { Date() UUID() }\"",
    "    let text = #\"a \"quoted\" UUID()\"#",
    "    /* UUID() */ let x = 1",
    "    let id = entropy.uuid()",
    "    let id = UUID(uuidString: text)",
    "    try await Task.sleep(until: deadline, clock: clock)",
    "    if Task.isCancelled { return }",
    "    await withTaskGroup(of: Void.self) { group in }",
    "    let die = Int.random(in: 1...6, using: &generator)",
    "import FoundationEssentials",
  ])
  func whatIsAllowedIsNotFound(_ line: String) {
    let file = Repository.File(path: "Sources/Inventory/Allowed.swift", text: line)
    let found = SourceRule.all.flatMap { $0.violations(in: [file]) }
    #expect(found.isEmpty, "\(found)")
  }

  @Test func liveCodeMayAskTheSystem() {
    let file = Repository.File(path: "Sources/SeamsLive/Planted.swift", text: "let now = ContinuousClock().now")
    #expect(SourceRule.all.allSatisfy { $0.violations(in: [file]).isEmpty })
  }
}
