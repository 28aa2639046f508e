import ServiceKit
import SimulationKernel
import Testing

/// What the scenarios are good for: each bug that is planted in what crosses a seam is found by one of them.
@Suite("Planted bugs of events")
struct PlantedEventBugTests {
  struct Bug: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let scenario: EventScenario
    /// The part of a statement that is replaced, and by what.
    var statement: (String, String)?
    var mistake: MistakenBroker.Mistake?
  }

  static let bugs = [
    Bug(
      testDescription: "rows are published in any order", scenario: .publishing,
      statement: ("ORDER BY position LIMIT", "LIMIT")),
    Bug(
      testDescription: "a shard is claimed by everybody", scenario: .sharing,
      statement: ("pg_try_advisory_xact_lock($1::int4, s.shard::int4)", "$1::int4 + s.shard IS NOT NULL")),
    Bug(
      testDescription: "rows are marked by a position reached", scenario: .publishing,
      statement: (
        "WHERE position = ANY($1::int8[])",
        "WHERE published_at IS NULL AND position <= (SELECT max(u.p) FROM unnest($1::int8[]) AS u(p))"
      )),
    Bug(
      testDescription: "a nack passes for a confirm", scenario: .publishing, mistake: .nackTakenForConfirm),
    Bug(
      testDescription: "an event is not marked as processed", scenario: .consuming,
      statement: ("UPDATE inbox SET processed_at = clock_timestamp() WHERE", "SELECT event_id FROM inbox WHERE")),
    Bug(
      testDescription: "two consumers handle copies at the same time", scenario: .consuming,
      statement: ("AND processed_at IS NULL AND dead_at IS NULL FOR UPDATE", "")),
    Bug(
      testDescription: "attempts are not counted", scenario: .consuming,
      statement: ("attempts = inbox.attempts + 1, ", "")),
    Bug(
      testDescription: "a delivery is acknowledged before it is handled", scenario: .consuming,
      mistake: .acknowledgedAtOnce),
  ]

  @Test(arguments: bugs)
  func eachIsFoundWithinFortySeeds(_ bug: Bug) throws {
    for seed in 1...40 as ClosedRange<UInt64> {
      let world = try EventWorld(seed: seed)
      if let (part, replacement) = bug.statement {
        world.rewrite = { text in
          guard let range = text.firstRange(of: part) else { return text }
          return text.replacingCharacters(in: range, with: replacement)
        }
      }
      if let mistake = bug.mistake { world.wrap = { MistakenBroker(base: $0, mistake: mistake) } }
      switch bug.scenario.play(world) {
      case .finished: continue
      // The checker's word. A statement that the double refuses would be no find.
      case .driverFailed(let problem) where problem.hasPrefix("line "): return
      case let other:
        Issue.record("\(bug.testDescription), seed \(seed): \(other)")
        return
      }
    }
    Issue.record("\(bug.testDescription): not found")
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
