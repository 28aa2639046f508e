import Dispatch
import Foundation
import Seams
import SimulationKernel
import Testing

/// Each leak of the table in the design, leaked on purpose, in a process of its own: the trap must name it. `UUID()` and
/// the main actor have no hook on this toolchain; the source check bans them.
@Suite struct EscapeTests {
  private func expectTrap(naming name: String, _ result: ExitTest.Result?) throws {
    let output = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(output.contains("simulation escape: ") && output.contains(name), "standard error was: \(output)")
  }

  @Test func anUnstructuredTaskInsideAnActorIsTrapped() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      SimulationKernel(seed: 1).run { _ in
        await Task.detached {}.value
      }
    }
    try expectTrap(naming: "Task.detached", result)
  }

  @Test func aSleepOfNanosecondsIsTrapped() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      SimulationKernel(seed: 1).run { _ in
        try await Task.sleep(nanoseconds: 1)
      }
    }
    try expectTrap(naming: "Task.sleep", result)
  }

  @Test func aSleepOnASystemClockIsTrapped() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      SimulationKernel(seed: 1).run { _ in
        try await Task.sleep(until: .now + .seconds(1), clock: .suspending)
      }
    }
    try expectTrap(naming: "clock", result)
  }

  @Test func readingTheSystemDateIsTrapped() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      SimulationKernel(seed: 1).run { _ in
        _ = Date()
      }
    }
    try expectTrap(naming: "Date()", result)
  }

  @Test func readingTheContinuousClockIsTrapped() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      SimulationKernel(seed: 1).run { _ in
        _ = ContinuousClock().now
      }
    }
    try expectTrap(naming: "ContinuousClock", result)
  }

  @Test func theSystemsRandomGeneratorIsTrapped() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      SimulationKernel(seed: 1).run { _ in
        _ = UInt64.random(in: 0...10)
      }
    }
    try expectTrap(naming: "SystemRandomNumberGenerator", result)
  }

  @Test func aResumeFromAnotherThreadIsTrapped() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      SimulationKernel(seed: 1).run { process in
        let suspended = DispatchSemaphore(value: 0)
        process.spawn("resumed from outside") {
          await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            Thread {
              suspended.wait()
              continuation.resume()
            }.start()
          }
        }
        try await process.clock.sleep(for: .seconds(1))
        suspended.signal()
        while true { sched_yield() }
      }
    }
    try expectTrap(naming: "another thread", result)
  }

  @Test func withoutDeterministicHashingTheKernelRefusesToStart() async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      unsetenv("SWIFT_DETERMINISTIC_HASHING")
      _ = SimulationKernel(seed: 1)
    }
    let output = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(output.contains("SWIFT_DETERMINISTIC_HASHING=1"))
  }

  @Test func outsideASimulationNothingIsTrapped() async throws {
    _ = SimulationKernel(seed: 1)
    _ = Date()
    _ = UUID()
    _ = UInt64.random(in: 0...10)
    await Task.detached {}.value
    try await Task.sleep(nanoseconds: 1)
  }
}
