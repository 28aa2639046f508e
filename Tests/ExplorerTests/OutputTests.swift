import Explorer
import Foundation
import Reporting
import Scenarios
import Testing

@Suite struct OutputTests {
  @Test func interpolatedTextCannotBecomeATag() {
    let hostile = "<script>alert('x')</script> & \"quoted\" \u{1B}[31m"
    let markup: Markup = "<td title=\"\(hostile)\">\(hostile)</td>"
    #expect(!markup.text.contains("<script"))
    #expect(
      markup.text.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;quoted&quot; \u{FFFD}[31m"))
  }

  @Test func thePageNeedsNothingFromElsewhere() throws {
    let scenario = try #require(ScenarioCatalogue.scenario(named: "selftest-echo"))
    var play = HandPlayed(SeedSweep([(scenario, SeedRange(1, 3))]))
    play.play { job, _ in
      var report = job.settings.seed == 2 ? failed(job) : passed(job)
      report.evidence = ["row <b>1</b>"]
      report.faults = [RunReport.FaultCount("host-crash", 3)]
      report.figures = [RunReport.Figure("time to resolve", 1.5, unit: "ms")]
      return report
    }
    let html = SimulationPage.page(
      play.source.tallies, interrupted: false, subtitle: "now", command: "./zoco sim"
    ).html
    for needle in ["http:", "https:", "<script", "<link", "<img", "url(", "@import"] {
      #expect(!html.contains(needle), "the page contains \(needle)")
    }
    for needle in [
      "selftest-echo", "host-crash", "time to resolve", "./zoco sim selftest-echo --seed 2", "row &lt;b&gt;1&lt;/b&gt;",
      "prefers-color-scheme: dark", "1 failed",
    ] {
      #expect(html.contains(needle), "the page lacks \(needle)")
    }
  }

  @Test func theSummaryForMachinesHasEveryFailureWithItsReplay() throws {
    let scenario = try #require(ScenarioCatalogue.scenario(named: "selftest-echo"))
    var play = HandPlayed(SeedSweep([(scenario, SeedRange(1, 3))]))
    play.play { job, _ in job.settings.seed == 2 ? failed(job) : passed(job) }
    let json = try SimulationSummary(play.source, interrupted: false).json()
    let read = try JSONDecoder().decode(SimulationSummary.self, from: json)
    #expect(!read.passed)
    #expect(read.scenarios[0].failures.map(\.replay) == ["./zoco sim selftest-echo --seed 2"])
    #expect(read.scenarios[0].done == 3)
  }

  @Test func linesOfAFailureFitATerminalAndAreWholeForMachines() throws {
    let scenario = try #require(ScenarioCatalogue.scenario(named: "selftest-echo"))
    let long = String(repeating: "reserve 1 of a product and ", count: 30)
    var play = HandPlayed(SeedSweep([(scenario, SeedRange(1, 1))]))
    play.play { job, _ in
      var report = failed(job)
      report.evidence = [long + "end", "two\nlines"]
      return report
    }
    let failure = try #require(play.source.tallies[0].failures.first?.report)
    let lines = FailureText.text(of: failure, width: 100).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 100 }, "\(lines)")
    let evidence = lines.drop { !$0.hasPrefix("  evidence  reserve 1 of a product") }.prefix(6)
    #expect(evidence.dropFirst().allSatisfy { $0.hasPrefix("            ") }, "\(lines)")
    #expect(evidence.dropFirst(4).first?.hasSuffix("…") == true, "\(lines)")
    #expect(lines.contains { $0.hasSuffix("two lines") }, "\(lines)")
    let summary = SimulationSummary(play.source, interrupted: false)
    #expect(summary.scenarios[0].failures[0].evidence == failure.evidence)
  }

  @Test(arguments: [("short", 5, "short"), ("longer", 5, "long…"), ("a\nb", 5, "a b"), ("", 1, ""), ("ab", 1, "…")])
  func aTextIsCutWithAnEllipsis(_ text: String, _ width: Int, _ cut: String) {
    #expect(text.cut(to: width) == cut)
  }

  @Test func aTableAlignsItsColumns() {
    var table = TextTable([("name", .left), ("count", .right)])
    table.add(["a", "1"])
    table.add(["longer", "100"])
    #expect(
      table.text == """
        name    count
        ──────  ─────
        a           1
        longer    100
        """)
  }

  @Test(arguments: [
    (0.0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (12.34, "12.3"), (1_234.5, "1,235"), (-5, "-5"),
    (1_234_567, "1,234,567"), (.infinity, "∞"), (.nan, "–"),
  ])
  func numbersHaveAboutThreeDigits(_ value: Double, _ text: String) {
    #expect(Quantity.number(value) == text)
  }

  @Test(arguments: [
    (0.0, "0 s"), (0.000_85, "850 µs"), (0.0012, "1.20 ms"), (3.4, "3.40 s"), (600, "10 min"), (18_000, "5 h"),
  ])
  func durationsHaveTheUnitThatFits(_ seconds: Double, _ text: String) {
    #expect(Quantity.duration(seconds: seconds) == text)
  }
}
