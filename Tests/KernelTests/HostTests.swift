import Seams
import SimulationKernel
import Testing

@Suite struct HostTests {
  private func ticker(_ log: Log) -> SimulatedHost.Program {
    { process in
      while true {
        try await process.clock.sleep(for: .seconds(1))
        log.append(process.incarnation)
      }
    }
  }

  @Test func timeJumpsToTheNextEvent() {
    let kernel = SimulationKernel(seed: 1)
    let outcome = kernel.run { process in
      try await process.clock.sleep(for: .seconds(3600))
      #expect(process.clock.now.nanoseconds == 3_600_000_000_000)
    }
    #expect(outcome == .finished)
    #expect(kernel.now.nanoseconds == 3_600_000_000_000)
  }

  @Test func aCrashedProcessDoesNothingMoreAndARestartBeginsAnew() {
    let kernel = SimulationKernel(seed: 1)
    let log = Log()
    let host = kernel.host("a")
    host.boot(ticker(log))
    kernel.schedule(after: .milliseconds(2500)) { host.crash() }
    kernel.schedule(after: .milliseconds(5000)) { host.restart() }
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 7_500_000_000))
    #expect(log.entries == [1, 1, 2, 2])
    #expect(host.bootCount == 2)
    #expect(kernel.reap().isEmpty)
  }

  @Test func aPausedProcessRunsOnWhenItIsResumed() {
    let kernel = SimulationKernel(seed: 1)
    let log = Log()
    let host = kernel.host("a")
    host.boot(ticker(log))
    kernel.schedule(after: .milliseconds(1500)) { host.pause() }
    kernel.schedule(after: .milliseconds(9000)) { host.resume() }
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 9_500_000_000))
    #expect(log.entries == [1, 1])
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 10_500_000_000))
    #expect(log.entries == [1, 1, 1])
    kernel.reap()
  }

  @Test func drivenClocksDriftAndSkew() {
    let kernel = SimulationKernel(seed: 1)
    let host = kernel.host("fast")
    host.setDrift(partsPerMillion: 100_000)
    host.setWallSkew(.seconds(30))
    let process = host.boot { process in
      try await process.clock.sleep(for: .seconds(11))
      #expect(process.clock.now.nanoseconds == 11_000_000_000)
      #expect(kernel.now.nanoseconds == 10_000_000_000)
    }
    #expect(kernel.options.wallOrigin.duration(to: process.wallClock.now) == .seconds(30))
    kernel.runLoop()
    #expect(kernel.now.nanoseconds == 10_000_000_000)
    #expect(kernel.options.wallOrigin.duration(to: process.wallClock.now) == .seconds(41))
  }

  @Test func reapingUnwindsEveryTaskOfDeadAndLivingHosts() {
    let kernel = SimulationKernel(seed: 9)
    let unwound = Log()
    for index in 0..<20 {
      let host = kernel.host("host \(index)")
      host.boot { process in
        defer { unwound.append(index) }
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<3 {
            group.addTask {
              defer { unwound.append(index) }
              try await process.clock.sleep(for: .seconds(1000))
            }
          }
          try await group.waitForAll()
        }
      }
      if index.isMultiple(of: 2) { kernel.schedule(after: .seconds(1)) { host.crash() } }
    }
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 2_000_000_000))
    let hash = kernel.trace.hash
    #expect(unwound.entries.isEmpty)
    #expect(kernel.reap().isEmpty)
    #expect(unwound.entries.count == 80)
    #expect(kernel.trace.hash == hash)
  }

  @Test func aTaskThatIgnoresItsDeathIsNamed() {
    var options = KernelOptions()
    options.reapingJobLimit = 1000
    let kernel = SimulationKernel(seed: 1, options: options)
    kernel.host("zombie").boot { process in
      while true {
        try? await process.clock.sleep(for: .seconds(1))
        await Task.yield()
      }
    }
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 3_000_000_000))
    #expect(kernel.reap() == ["zombie: main"])
  }

  @Test func cancellationEndsASleepAtOnce() {
    let kernel = SimulationKernel(seed: 1)
    let outcome = kernel.run { process in
      await withTaskGroup(of: Bool.self) { group in
        group.addTask {
          do {
            try await process.clock.sleep(for: .seconds(1000))
            return false
          } catch {
            return error is CancellationError
          }
        }
        try? await process.clock.sleep(for: .seconds(1))
        group.cancelAll()
        #expect(await group.next() == true)
      }
      #expect(process.clock.now.nanoseconds == 1_000_000_000)
    }
    #expect(outcome == .finished)
  }
}
