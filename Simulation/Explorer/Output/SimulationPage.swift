public import Reporting
internal import Scenarios

/// `reports/simulation.html`: what a sweep did and found.
public enum SimulationPage {
  /// Where lines of events are cut, in characters.
  private static let eventWidth = 240

  /// The page of `tallies`.
  ///
  /// - Parameters:
  ///   - subtitle: when and where it was made.
  ///   - command: the command that made it.
  public static func page(_ tallies: [ScenarioTally], interrupted: Bool, subtitle: String, command: String) -> Page {
    let played = tallies.filter { $0.startedAt != nil }
    let failures = played.flatMap(\.failures)
    let seeds = played.reduce(0) { $0 + $1.done }
    let requests = played.reduce(0) { $0 + $1.requests }
    let virtual = played.reduce(0) { $0 + $1.virtualSeconds }
    let busy = played.reduce(0) { $0 + $1.workerSeconds }
    let faults = played.reduce(0) { $0 + $1.faults.reduce(0) { $0 + $1.count } }
    return Page(
      title: "Simulation",
      badge: failures.isEmpty ? (interrupted ? "interrupted" : "all passed") : "\(failures.count) failed",
      standing: failures.isEmpty ? (interrupted ? .incomplete : .good) : .bad,
      subtitle: subtitle,
      headlines: [
        .init("Seeds", Quantity.count(seeds), note: Quantity.count(played.count, "scenario")),
        .init(
          "HTTP requests", Quantity.count(requests),
          note: "\(Quantity.number(Double(requests) / max(busy, 1e-9))) a second and core"),
        .init("Faults injected", Quantity.count(faults)),
        .init(
          "Virtual time", Quantity.duration(seconds: virtual),
          note: "\(Quantity.number(virtual / max(busy, 1e-9))) × real time"),
        .init("Failures", Quantity.count(failures.count)),
      ],
      body: failureSection(failures.map(\.report)) + scenarioSection(played) + faultSection(played)
        + figureSection(played) + commandSection(command))
  }

  private static func failureSection(_ reports: [RunReport]) -> Markup {
    guard !reports.isEmpty else { return .empty }
    return """
      <h2>Failures</h2>
      <p class="lead">Each is a seed that replays bit for bit.</p>
      \(Markup(reports.map(failure)))
      """
  }

  private static func failure(_ report: RunReport) -> Markup {
    let evidence = Markup(report.evidence.map { "<li><code>\($0)</code></li>" })
    var events = Markup.empty
    if !report.events.isEmpty {
      let lines = report.events.map { $0.description.cut(to: eventWidth) }.joined(separator: "\n")
      events = """
        <details><summary>The last \(report.events.count) of \(report.eventCount) events</summary>\
        <pre>\(lines)</pre></details>
        """
    }
    let bug = report.settings.plantedBug.map { ", planted bug \($0)" } ?? ""
    let drawn = report.drawn.isEmpty ? "" : " · " + report.drawn.joined(separator: "; ")
    return """
      <section class="card failure"><h3>\(report.finding) \(.badge(report.verdict.rawValue, .bad))</h3>
      <p>\(report.settings.scenario), seed \(report.settings.seed)\(bug)\(drawn)</p>
      <ul class="evidence">\(evidence)</ul>
      <pre class="command">\(report.settings.replayCommand)</pre>
      \(events)</section>

      """
  }

  private static func scenarioSection(_ tallies: [ScenarioTally]) -> Markup {
    let rows = tallies.map { tally -> [Markup] in
      let result = SweepTable.result(of: tally)
      let isWhole = tally.done == tally.seeds.count
      let standing: Page.Standing = tally.failures.isEmpty ? (isWhole ? .good : .incomplete) : .bad
      return [
        "<strong>\(tally.name)</strong><span class=\"what\">\(tally.summary)</span>",
        .badge(result, standing), "\(tally.seeds.description)", "\(Quantity.count(tally.failures.count))",
        "\(Quantity.count(tally.requests))", "\(Quantity.duration(seconds: tally.virtualSeconds))",
        "\(Quantity.number(Double(tally.done) / max(tally.wallSeconds, 1e-6)))",
      ]
    }
    return """
      <h2>Scenarios</h2>
      \(.table([
        .text("Scenario"), .text("Result"), .number("Seeds"), .number("Failed"), .number("Requests"),
        .number("Virtual time"), .number("Seeds/s"),
      ], rows: rows))
      """
  }

  private static func faultSection(_ tallies: [ScenarioTally]) -> Markup {
    var totals: [(name: String, value: Int)] = []
    for fault in tallies.flatMap(\.faults) {
      if let index = totals.firstIndex(where: { $0.name == fault.kind }) {
        totals[index].value += fault.count
      } else {
        totals.append((fault.kind, fault.count))
      }
    }
    totals = totals.filter { $0.value > 0 }.sorted { ($1.value, $0.name) < ($0.value, $1.name) }
    guard !totals.isEmpty else { return .empty }
    return """
      <h2>Faults injected</h2>
      <p class="lead">How often each kind really happened, over all runs. Every seed draws its own subset of the kinds.</p>
      \(.bars(totals))
      """
  }

  private static func figureSection(_ tallies: [ScenarioTally]) -> Markup {
    let rows = tallies.flatMap { tally in
      tally.figures.map { figure -> [Markup] in
        [
          "\(tally.name)", "\(figure.name)", "\(Quantity.number(figure.least))", "\(Quantity.number(figure.mean))",
          "\(Quantity.number(figure.greatest))", "\(figure.unit)",
        ]
      }
    }
    guard !rows.isEmpty else { return .empty }
    return """
      <h2>Measured in the runs</h2>
      \(.table([
        .text("Scenario"), .text("Figure"), .number("Least"), .number("Mean"), .number("Greatest"), .text("Unit"),
      ], rows: rows))
      """
  }

  private static func commandSection(_ command: String) -> Markup {
    "<h2>Made by</h2>\n<pre class=\"command\">\(command)</pre>\n"
  }
}
