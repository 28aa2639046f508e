import Checkers
import Explorer
import Scenarios
import Testing

/// Plays a source's jobs by hand: two workers, and a function for what each run comes to.
struct HandPlayed<Source: JobSource> {
  var source: Source
  var played: [(job: Job, worker: Int32)] = []

  init(_ source: Source) { self.source = source }

  mutating func play(_ run: (Job, Int32) -> RunReport) {
    while !source.isDone {
      var wasIdle = true
      for worker in [Int32(10), 20] {
        guard let job = source.nextJob(for: worker) else { continue }
        wasIdle = false
        played.append((job, worker))
        source.finish(JobResult(job: job, report: run(job, worker), worker: worker))
      }
      if wasIdle {
        Issue.record("the source is not done and has no job")
        return
      }
    }
  }
}

func passed(_ job: Job, hash: String = "00000000000000aa") -> RunReport {
  RunReport(settings: job.settings, verdict: .passed, hash: hash)
}

func failed(
  _ job: Job, _ verdict: RunReport.Verdict = .invariantBroken, invariant: Invariant? = .endsOnce
) -> RunReport {
  var report = RunReport(settings: job.settings, verdict: verdict, hash: "00000000000000bb")
  report.finding = "it broke"
  if verdict != .crashed { report.invariant = invariant }
  return report
}

@Suite struct SeedSweepTests {
  private func sweep(_ first: UInt64 = 1, _ last: UInt64 = 6, _ change: (inout SeedSweep.Options) -> Void = { _ in })
    throws -> HandPlayed<SeedSweep>
  {
    var options = SeedSweep.Options()
    change(&options)
    let scenario = try #require(ScenarioCatalogue.scenario(named: "selftest-echo"))
    return HandPlayed(SeedSweep([(scenario, SeedRange(first, last))], options: options))
  }

  @Test func everySeedIsPlayedOnce() throws {
    var play = try sweep()
    play.play { job, _ in passed(job) }
    #expect(play.played.map(\.job.settings.seed) == [1, 2, 3, 4, 5, 6])
    #expect(play.source.tallies[0].passed == 6)
    #expect(play.source.worst == .passed)
    #expect(!play.source.tallies[0].isOpen)
  }

  @Test func theGreatestSeedIsPlayedToo() throws {
    var play = try sweep(.max - 1, .max)
    play.play { job, _ in passed(job) }
    #expect(play.played.count == 2)
  }

  @Test func aFailureIsPlayedAgainWithItsEvents() throws {
    var play = try sweep()
    play.play { job, _ in job.settings.seed == 4 ? failed(job) : passed(job) }
    let again = play.played.filter { $0.job.settings.seed == 4 }
    #expect(again.count == 2)
    #expect(again.last?.job.recording.latestEvents == 400)
    #expect(play.source.tallies[0].failures.count == 1)
    #expect(play.source.tallies[0].done == 6)
    #expect(play.source.worst == .invariantBroken)
  }

  @Test func aDeadWorkersRunIsAFailureThatIsNotPlayedAgain() throws {
    var play = try sweep()
    play.play { job, _ in
      guard job.settings.seed == 2 else { return passed(job) }
      return RunReport(settings: job.settings, verdict: .crashed)
    }
    #expect(play.played.count == 6)
    #expect(play.source.worst == .crashed)
  }

  @Test func aScenarioThatKeepsFailingIsCutShort() throws {
    var play = try sweep(1, 1_000) { $0.failureLimit = 5 }
    play.play { job, _ in failed(job) }
    #expect(play.source.tallies[0].wasCutShort)
    #expect(play.source.tallies[0].done < 10)
  }

  @Test func verifyingPlaysEverySeedInAnotherProcess() throws {
    var play = try sweep(1, 6) { $0.verifies = true }
    play.play { job, _ in passed(job) }
    #expect(play.source.tallies[0].verified == 6)
    for seed in UInt64(1)...6 {
      let workers = play.played.filter { $0.job.settings.seed == seed }.map(\.worker)
      #expect(workers.count == 2)
      #expect(Set(workers).count == 2, "seed \(seed) was played twice by one process")
    }
  }

  @Test func anotherHashInTheSecondProcessShowsTheFirstDifferentEvent() throws {
    var play = try sweep(1, 1) { $0.verifies = true }
    play.play { job, worker in
      var report = passed(job, hash: worker == 10 ? "00000000000000aa" : "00000000000000cc")
      report.eventCount = 1_024
      if job.recording.checkpointInterval > 0 {
        let interval = job.recording.checkpointInterval
        report.checkpoints = (1...(1_024 / interval)).map { $0 * interval > 600 ? UInt64(worker) : $0 }
      }
      return report
    }
    let windows = play.played.map(\.job.recording).filter { $0.latestEvents == nil }
    #expect(windows.count == 2)
    #expect(windows.allSatisfy { $0.fromEvent <= 600 && $0.beforeEvent > 604 })
    #expect(play.source.worst == .crashed)
    #expect(play.source.tallies[0].failures[0].report.finding.contains("not deterministic"))
    #expect(play.source.tallies[0].verified == 0)
  }

  @Test func theWorstVerdictDecides() throws {
    var play = try sweep()
    play.play { job, _ in
      switch job.settings.seed {
      case 2: failed(job, .notConverged)
      case 3: failed(job, .invariantBroken)
      default: passed(job)
      }
    }
    #expect(play.source.worst == .invariantBroken)
    #expect(Exit(play.source.worst).rawValue == 129)
  }
}

@Suite struct PlantedHuntTests {
  private func hunt(in scenarios: [String] = ["selftest-echo"], limit: UInt64 = 20) -> HandPlayed<PlantedHunt> {
    HandPlayed(PlantedHunt([PlantedBug("bug", "a bug", foundBy: scenarios, as: [.endsOnce])], limit: limit))
  }

  @Test func aBugIsFoundAtTheFirstSeedThatBreaks() {
    var play = hunt(in: ["selftest-echo", "selftest-stuck"], limit: 100)
    play.play { job, _ in
      job.settings.seed == 7 && job.settings.scenario == "selftest-stuck" ? failed(job) : passed(job)
    }
    let hunt = play.source.hunts[0]
    #expect(hunt.found?.settings.seed == 7)
    #expect(hunt.seeds == 7)
    #expect(hunt.runs == 14)
    #expect(play.source.survivors.isEmpty)
    #expect(play.played.allSatisfy { $0.job.settings.plantedBug == "bug" })
  }

  @Test func aBugThatNoSeedFindsSurvives() {
    var play = hunt()
    play.play { job, _ in passed(job) }
    #expect(play.played.count == 20)
    #expect(play.source.survivors.map(\.bug.name) == ["bug"])
  }

  /// Another invariant, one that nobody has named, and a run that does not come to rest.
  @Test(arguments: [Invariant.neverOversold, nil, .comesToRest])
  func whatTheBugIsNotExpectedToBreakFindsNothing(_ invariant: Invariant?) {
    var play = hunt()
    play.play { job, _ in
      failed(job, invariant == .comesToRest ? .notConverged : .invariantBroken, invariant: invariant)
    }
    #expect(play.played.count == 1)
    #expect(play.source.hunts[0].found == nil)
    #expect(play.source.hunts[0].trouble?.invariant == invariant)
    #expect(play.source.survivors.count == 1)
    #expect(PlantedTable.text(play.source).contains("NOT EXPECTED at seed 1: it broke"))
  }

  @Test func aHarnessFailureFindsNothing() {
    var play = hunt()
    play.play { job, _ in failed(job, .crashed) }
    #expect(play.source.hunts[0].found == nil)
    #expect(play.source.hunts[0].trouble != nil)
  }
}
