import Seams
import SimulationKernel
import Testing

@Suite struct OutcomeTests {
  @Test func aRunThatCannotGoOnIsStuckAndSaysWhatEachHostWaitsFor() {
    let kernel = SimulationKernel(seed: 1)
    kernel.host("silent").boot { process in
      _ = try await process.pendingCall("an answer that never comes", as: Int.self).value()
    }
    let outcome = kernel.run { process in
      _ = kernel.beginOperation("buy a lamp")
      _ = try await process.pendingCall("the lamp", as: Int.self).value()
    }
    guard case .stuck(let lines) = outcome else {
      Issue.record("expected stuck, got \(outcome)")
      return
    }
    #expect(
      lines == [
        "operation 1: buy a lamp", "silent: 1 tasks; waits for 1 × an answer that never comes",
        "driver: 1 tasks; waits for 1 × the lamp",
      ])
    #expect(kernel.reap().isEmpty)
  }

  @Test func pollersDoNotHideThatNothingProgresses() {
    let kernel = SimulationKernel(seed: 1)
    kernel.host("poller").boot { process in
      while true { try await process.clock.sleep(for: .milliseconds(500)) }
    }
    let outcome = kernel.run(stuckAfter: .seconds(60)) { process in
      _ = kernel.beginOperation("wait")
      _ = try await process.pendingCall("nothing", as: Int.self).value()
    }
    guard case .stuck = outcome else {
      Issue.record("expected stuck, got \(outcome)")
      return
    }
    #expect(kernel.now.nanoseconds == 60_000_000_000)
    kernel.reap()
  }

  /// The watch looks every 60 s; the operation begins after a long quiet time, 1 s before it looks.
  @Test func anOperationThatBeginsAfterAQuietTimeGetsTheWholeTime() {
    let kernel = SimulationKernel(seed: 1)
    let outcome = kernel.run(stuckAfter: .seconds(60)) { process in
      try await process.clock.sleep(for: .seconds(119))
      let token = kernel.beginOperation("buy a lamp")
      try await process.clock.sleep(for: .seconds(2))
      kernel.endOperation(token)
    }
    #expect(outcome == .finished)
    kernel.reap()
  }

  @Test func anOperationThatBeganAfterAQuietTimeMayStillGetStuck() {
    let kernel = SimulationKernel(seed: 1)
    let outcome = kernel.run(stuckAfter: .seconds(60)) { process in
      try await process.clock.sleep(for: .seconds(119))
      _ = kernel.beginOperation("buy a lamp")
      try await process.clock.sleep(for: .seconds(3_600))
    }
    guard case .stuck = outcome else {
      Issue.record("expected stuck, got \(outcome)")
      return
    }
    #expect(kernel.now.nanoseconds == 180_000_000_000)
    kernel.reap()
  }

  @Test func jobsThatRunForeverInOneInstantAreALivelock() {
    var options = KernelOptions()
    options.jobLimitPerInstant = 10_000
    let kernel = SimulationKernel(seed: 1, options: options)
    let outcome = kernel.run { _ in
      while !Task.isCancelled { await Task.yield() }
    }
    guard case .livelock = outcome else {
      Issue.record("expected a livelock, got \(outcome)")
      return
    }
    kernel.reap()
  }

  @Test func anErrorOfTheDriverEndsTheRun() {
    struct Broken: Error {}
    let kernel = SimulationKernel(seed: 1)
    #expect(kernel.run { _ in throw Broken() } == .driverFailed("Broken()"))
  }
}
