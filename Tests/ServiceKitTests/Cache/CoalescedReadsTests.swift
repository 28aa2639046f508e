import Seams
import ServiceKit
import Testing

@Suite struct CoalescedReadsTests {
  private typealias Reads = CoalescedReads<String, Int>

  @Test func oneReadsAndTheOthersAreTold() {
    let (values, reads) = (Log<Int?>(), Log<Int>())
    simulate { environment in
      let shared = Reads()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<50 {
          group.addTask {
            switch shared.begin("k") {
            case .lead(let flight):
              try await environment.sleep(.milliseconds(5))
              reads.append(number)
              shared.end(flight, of: "k", with: 7)
              values.append(7)
            case .join(let flight):
              values.append(try await flight.wait(until: environment.after(.seconds(1)), clock: environment.clock))
            }
          }
        }
        try await group.waitForAll()
      }
    }
    #expect(reads.entries.count == 1 && values.entries == Array(repeating: 7, count: 50))
  }

  @Test func aReadThatFailsLeavesTheOthersToStartOver() {
    let results = Log<Int?>()
    simulate { environment in
      let shared = Reads()
      guard case .lead(let flight) = shared.begin("k"), case .join(let same) = shared.begin("k") else { return }
      async let told = same.wait(until: environment.after(.seconds(1)), clock: environment.clock)
      try await environment.sleep(.milliseconds(1))
      shared.end(flight, of: "k", with: nil)
      // What ended cannot end otherwise.
      shared.end(flight, of: "k", with: 9)
      results.append(try await told)
      if case .lead = shared.begin("k") { results.append(1) }
    }
    #expect(results.entries == [nil, 1])
  }

  @Test func whatHasChangedIsReadAnew() {
    let results = Log<Int?>()
    simulate { environment in
      let shared = Reads()
      guard case .lead(let old) = shared.begin("k") else { return }
      shared.close(["k"])
      guard case .lead(let new) = shared.begin("k"), case .join(let joined) = shared.begin("k") else { return }
      // The old one does not speak for the new one.
      shared.end(old, of: "k", with: 1)
      shared.end(new, of: "k", with: 2)
      results.append(try await joined.wait(until: environment.after(.seconds(1)), clock: environment.clock))
    }
    #expect(results.entries == [2])
  }

  @Test func nobodyWaitsLongerThanUntilItsDeadline() {
    let waits = Log<Duration>()
    simulate { environment in
      let shared = Reads()
      guard case .lead = shared.begin("k"), case .join(let flight) = shared.begin("k") else { return }
      let start = environment.clock.now
      do {
        _ = try await flight.wait(until: environment.after(.milliseconds(30)), clock: environment.clock)
      } catch is DeadlineExceeded {
        waits.append(start.duration(to: environment.clock.now))
      }
    }
    #expect(waits.entries == [.milliseconds(30)])
  }
}
