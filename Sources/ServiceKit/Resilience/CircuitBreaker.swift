package import Seams

/// Decides whether calls to an endpoint are worth making, by how many of the last ones failed.
///
/// A value that knows no clock: every question comes with its instant, and instants do not run backwards. Closed, it
/// lets every call through and counts. When more than ``Options/errorRate`` of the calls of the window failed it opens
/// and refuses calls at once. After ``Options/openTime`` it is half-open: it lets through
/// ``Options/probes`` calls, closes when that many were answered, and opens again with the first that fails.
///
/// A refusal of the domain never counts: an endpoint that says "sold out" works, and neither hides failures among its
/// refusals nor opens for them. Only a probe takes it for what it shows: the endpoint answers.
package struct CircuitBreaker: Sendable {
  /// When a breaker opens and closes.
  package struct Options: Sendable, Hashable {
    /// The share of failures above which it opens, 0 ..< 1.
    package var errorRate: Double
    /// How many calls must have ended within the window before it may open.
    package var minimumRequests: Int
    /// How far back ended calls are counted.
    package var window: Duration
    /// Into how many parts the window is divided: it moves on by one of them.
    package var buckets: Int
    /// How long it stays open.
    package var openTime: Duration
    /// How many calls must be answered to close it again.
    package var probes: Int

    /// Options; see each member.
    package init(
      errorRate: Double = 0.5, minimumRequests: Int = 20, window: Duration = .seconds(10), buckets: Int = 10,
      openTime: Duration = .seconds(10), probes: Int = 3
    ) {
      precondition((0..<1).contains(errorRate), "an error rate lies in 0 ..< 1")
      precondition(minimumRequests >= 1 && buckets >= 1 && probes >= 1, "a breaker counts something")
      precondition(window >= .nanoseconds(buckets) && openTime > .zero, "a breaker's times are positive")
      self.errorRate = errorRate
      self.minimumRequests = minimumRequests
      self.window = window
      self.buckets = buckets
      self.openTime = openTime
      self.probes = probes
    }
  }

  /// Where a breaker stands.
  package enum Phase: String, Sendable, Hashable {
    case closed, open
    case halfOpen = "half_open"
  }

  /// What a breaker says to a call that wants to be made.
  package enum Decision: Sendable, Hashable {
    /// It may; how it ended must be recorded with the permit.
    case allowed(Permit)
    /// It may not, for about this long.
    case refused(retryAfter: Duration)
  }

  /// Belongs to one call that was let through.
  package struct Permit: Sendable, Hashable {
    fileprivate let epoch: Int
  }

  /// How a call ended, as far as a breaker cares.
  package enum Outcome: Sendable, Hashable {
    /// It was done.
    case succeeded
    /// It was refused by an endpoint that works.
    case refused
    /// It was not answered, or not as the contract says.
    case failed
    /// Its caller gave it up: it says nothing.
    case abandoned
  }

  private enum State: Sendable {
    case closed(CallCounts)
    case open(until: MonotonicInstant)
    case halfOpen(running: Int, answered: Int)
  }

  private let options: Options
  private var state: State
  /// Rises with every change of phase: a call that ends in another phase than it began in says nothing about it.
  private var epoch = 0

  /// A closed breaker.
  package init(options: Options = Options()) {
    self.options = options
    state = .closed(CallCounts(options: options))
  }

  /// Where it stands.
  package var phase: Phase {
    switch state {
    case .closed: .closed
    case .open: .open
    case .halfOpen: .halfOpen
    }
  }

  /// Decides on a call.
  package mutating func admit(now: MonotonicInstant) -> Decision {
    if case .open(let end) = state {
      guard now >= end else { return .refused(retryAfter: now.duration(to: end)) }
      enter(.halfOpen(running: 0, answered: 0))
    }
    if case .halfOpen(let running, let answered) = state {
      // The probes under way decide soon; when is not known.
      guard running + answered < options.probes else { return .refused(retryAfter: .seconds(1)) }
      state = .halfOpen(running: running + 1, answered: answered)
    }
    return .allowed(Permit(epoch: epoch))
  }

  /// Notes how a call ended.
  package mutating func record(_ outcome: Outcome, _ permit: Permit, now: MonotonicInstant) {
    guard permit.epoch == epoch else { return }
    switch state {
    case .closed(var counts):
      guard outcome == .succeeded || outcome == .failed else { return }
      counts.add(isFailure: outcome == .failed, now: now)
      state = .closed(counts)
      let (failed, all) = counts.sum(now: now)
      if all >= options.minimumRequests, Double(failed) > options.errorRate * Double(all) { open(now) }
    case .halfOpen(let running, let answered):
      switch outcome {
      case .failed: open(now)
      case .abandoned: state = .halfOpen(running: running - 1, answered: answered)
      case .succeeded, .refused:
        guard answered + 1 == options.probes else {
          state = .halfOpen(running: running - 1, answered: answered + 1)
          return
        }
        enter(.closed(CallCounts(options: options)))
      }
    case .open: preconditionFailure("no call is let through while a breaker is open")
    }
  }

  private mutating func open(_ now: MonotonicInstant) {
    enter(.open(until: now.advanced(by: options.openTime)))
  }

  private mutating func enter(_ state: State) {
    self.state = state
    epoch += 1
  }
}

/// How many calls ended, and failed, in the last parts of time.
private struct CallCounts: Sendable {
  private struct Bucket {
    /// Which part of time it counts.
    var part: Int64 = .min
    var failed = 0
    var all = 0
  }

  private let width: Int64
  private var buckets: [Bucket]

  init(options: CircuitBreaker.Options) {
    width = options.window.nanosecondsClamped / Int64(options.buckets)
    buckets = Array(repeating: Bucket(), count: options.buckets)
  }

  mutating func add(isFailure: Bool, now: MonotonicInstant) {
    let part = now.nanoseconds / width
    let index = Int(part % Int64(buckets.count))
    if buckets[index].part != part { buckets[index] = Bucket(part: part) }
    buckets[index].all += 1
    if isFailure { buckets[index].failed += 1 }
  }

  func sum(now: MonotonicInstant) -> (failed: Int, all: Int) {
    let oldest = now.nanoseconds / width - Int64(buckets.count) + 1
    return buckets.reduce(into: (0, 0)) { sum, bucket in
      guard bucket.part >= oldest else { return }
      sum.0 += bucket.failed
      sum.1 += bucket.all
    }
  }
}
