import Seams
import ServiceKit
import Testing

@Suite struct CircuitBreakerTests {
  /// A breaker and the time it is told.
  private struct Bench {
    var breaker = CircuitBreaker(
      options: CircuitBreaker.Options(
        errorRate: 0.5, minimumRequests: 10, window: .seconds(10), buckets: 10, openTime: .seconds(5), probes: 2))
    var now = MonotonicInstant(nanoseconds: 0)

    mutating func pass(_ duration: Duration) { now = now.advanced(by: duration) }

    mutating func admit() -> CircuitBreaker.Permit? {
      if case .allowed(let permit) = breaker.admit(now: now) { permit } else { nil }
    }

    /// The permit of a call that must be let through.
    mutating func permit() throws -> CircuitBreaker.Permit {
      let permit = admit()
      return try #require(permit)
    }

    /// Makes `count` calls that end at once.
    mutating func call(_ outcome: CircuitBreaker.Outcome, _ count: Int = 1) throws {
      for _ in 0..<count { breaker.record(outcome, try permit(), now: now) }
    }
  }

  @Test func itOpensAboveTheRateAndNotAtIt() throws {
    var bench = Bench()
    try bench.call(.succeeded, 10)
    try bench.call(.failed, 10)
    #expect(bench.breaker.phase == .closed)
    try bench.call(.failed)
    #expect(bench.breaker.phase == .open)
  }

  @Test func tooFewCallsOpenNothing() throws {
    var bench = Bench()
    try bench.call(.failed, 9)
    #expect(bench.breaker.phase == .closed)
    try bench.call(.failed)
    #expect(bench.breaker.phase == .open)
  }

  @Test func refusalsAndAbandonedCallsDoNotCount() throws {
    var bench = Bench()
    try bench.call(.refused, 1000)
    try bench.call(.abandoned, 1000)
    try bench.call(.failed, 9)
    #expect(bench.breaker.phase == .closed)
    // Nor do they hide failures.
    try bench.call(.failed)
    #expect(bench.breaker.phase == .open)
  }

  @Test func failuresAreForgottenWithTheWindow() throws {
    var bench = Bench()
    try bench.call(.failed, 4)
    bench.pass(.seconds(9))
    try bench.call(.succeeded, 8)
    bench.pass(.seconds(1))
    // The first second has left the window: half of what is in it failed.
    try bench.call(.failed, 8)
    #expect(bench.breaker.phase == .closed)
    try bench.call(.failed)
    #expect(bench.breaker.phase == .open)
  }

  @Test func aBucketIsNotCountedAgainWhenItsTurnComesRound() throws {
    var bench = Bench()
    try bench.call(.failed, 9)
    bench.pass(.seconds(1000))
    try bench.call(.failed, 9)
    #expect(bench.breaker.phase == .closed)
  }

  @Test func anOpenOneRefusesAtOnceUntilItsTimeIsOver() throws {
    var bench = Bench()
    try bench.call(.failed, 10)
    #expect(bench.breaker.admit(now: bench.now) == .refused(retryAfter: .seconds(5)))
    bench.pass(.milliseconds(4999))
    #expect(bench.breaker.admit(now: bench.now) == .refused(retryAfter: .milliseconds(1)))
    bench.pass(.milliseconds(1))
    #expect(bench.admit() != nil)
    #expect(bench.breaker.phase == .halfOpen)
  }

  @Test func probesCloseIt() throws {
    var bench = Bench()
    try bench.call(.failed, 10)
    bench.pass(.seconds(5))
    let probes = try [bench.permit(), bench.permit()]
    #expect(bench.admit() == nil)
    bench.breaker.record(.succeeded, probes[0], now: bench.now)
    #expect(bench.breaker.phase == .halfOpen && bench.admit() == nil)
    bench.breaker.record(.refused, probes[1], now: bench.now)
    #expect(bench.breaker.phase == .closed)
    // It begins anew: what failed before does not count.
    try bench.call(.failed, 9)
    #expect(bench.breaker.phase == .closed)
  }

  @Test func aProbeThatFailsOpensItAgainForTheWholeTime() throws {
    var bench = Bench()
    try bench.call(.failed, 10)
    bench.pass(.seconds(5))
    try bench.call(.succeeded)
    try bench.call(.failed)
    #expect(bench.breaker.phase == .open)
    #expect(bench.breaker.admit(now: bench.now) == .refused(retryAfter: .seconds(5)))
  }

  @Test func anAbandonedProbeMakesRoomForAnother() throws {
    var bench = Bench()
    try bench.call(.failed, 10)
    bench.pass(.seconds(5))
    let probes = try [bench.permit(), bench.permit()]
    bench.breaker.record(.abandoned, probes[0], now: bench.now)
    try bench.call(.succeeded)
    bench.breaker.record(.succeeded, probes[1], now: bench.now)
    #expect(bench.breaker.phase == .closed)
  }

  @Test func aCallOfAnEarlierPhaseSaysNothingAboutThisOne() throws {
    var bench = Bench()
    let old = try bench.permit()
    let older = try bench.permit()
    try bench.call(.failed, 10)
    bench.breaker.record(.succeeded, old, now: bench.now)
    #expect(bench.breaker.phase == .open)
    bench.pass(.seconds(5))
    let probe = try bench.permit()
    bench.breaker.record(.failed, older, now: bench.now)
    #expect(bench.breaker.phase == .halfOpen)
    bench.breaker.record(.succeeded, probe, now: bench.now)
    try bench.call(.succeeded)
    #expect(bench.breaker.phase == .closed)
  }
}
