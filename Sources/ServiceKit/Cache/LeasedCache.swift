internal import Logging
package import Seams
internal import Synchronization

/// Cache-aside over a shared Redis, in which a fill cannot bring back what has been invalidated, and which nobody waits
/// for long.
///
/// A reader that finds nothing leaves a *lease* in the value's place, in the same command. It may put a value there only
/// while its lease still stands. An invalidation removes whatever stands there: a value, or the leases of fills that
/// began before it. So no fill needs to be fast, no clock to be right and no version to be compared (ADR 0014; the leases
/// are those of Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013).
///
/// The cache may be slow or gone. A question to it is given up after ``Options/timeout``; after some failures a circuit
/// breaker leaves it alone for a while. Invalidations that could not be sent are owed: ``run()`` sends them until no value
/// that they are about can live any more. What is lost with the process is bounded by the life of values alone.
package final class LeasedCache: Sendable {
  /// The limits of a cache.
  package struct Options: Sendable, Hashable {
    /// How long a question waits for an answer.
    package var timeout: Duration = .milliseconds(50)
    /// How long a lease stands that is neither filled nor given back: longer than reading the value takes.
    package var leaseLife: Duration = .seconds(5)
    /// The longest that a value may live: invalidations are owed for as long.
    package var longestLife: Duration = .seconds(900)
    /// After a commit that may yet take effect, its invalidation is sent once more after this.
    package var uncertainty: Duration = .seconds(10)
    /// How long ``LeasedCache/run()`` waits for an answer, opening a connection included.
    package var patience: Duration = .seconds(5)
    /// How long it waits between attempts.
    package var retryInterval: Duration = .milliseconds(500)
    /// When questions are no longer asked.
    package var breaker = CircuitBreaker.Options(
      errorRate: 0.5, minimumRequests: 4, window: .seconds(4), buckets: 4, openTime: .seconds(1), probes: 1)

    /// The default limits.
    package init() {}
  }

  /// The right to fill a key.
  package struct Lease: Sendable, Hashable {
    package let key: String
    /// What stands in the value's place.
    let claim: [UInt8]
  }

  /// What was found of a key.
  package enum Finding<Value: Sendable>: Sendable {
    /// A value.
    case value(Value)
    /// Nothing: whoever reads it may fill it.
    case lease(Lease)
    /// Somebody else is about to fill it.
    case busy
    /// The cache did not answer, or was not asked.
    case unavailable
  }

  /// The first byte of a claim. Values begin with another.
  package static let claimMark: UInt8 = 0

  let client: any CacheClient
  let environment: ServiceEnvironment
  let options: Options
  let state = Mutex(LeasedCacheState())
  /// Rung when something is owed or has failed.
  let bell = Doorbell()
  private let gate: CircuitBreakerGate

  /// A cache behind `client`.
  ///
  /// - Parameter name: what the log calls it.
  package init(
    name: String, client: any CacheClient, environment: ServiceEnvironment, options: Options = Options()
  ) {
    self.client = client
    self.environment = environment
    self.options = options
    gate = CircuitBreakerGate(name: name, options: options.breaker, environment: environment)
  }

  /// What it has done.
  package var figures: LeasedCacheFigures { state.withLock { $0.snapshot } }

  // MARK: - Reading and filling

  /// Looks for `keys`, and leaves a lease where there is nothing.
  ///
  /// - Parameter decode: reads the value of the key at a position; `nil` when it cannot. Such a value counts as absent.
  /// - Returns: a finding for each key. Every lease is to be filled or given back.
  package func lookUp<Value>(
    _ keys: [String], decode: (_ position: Int, _ bytes: [UInt8]) -> Value?
  ) async -> [Finding<Value>] {
    let leases = keys.map(newLease)
    let looks = leases.map { lease -> CacheCommand in
      .set(lease.key, lease.claim, expiry: .after(options.leaseLife), condition: .ifAbsent, returningOld: true)
    }
    let replies = await ask(looks)
    var findings: [Finding<Value>] = Array(repeating: .unavailable, count: keys.count)
    var unreadable: [(position: Int, bytes: [UInt8])] = []
    for (position, reply) in (replies ?? []).enumerated() {
      switch reply {
      case .null: findings[position] = .lease(leases[position])
      case .bytes(let bytes) where bytes.first == Self.claimMark: findings[position] = .busy
      case .bytes(let bytes):
        if let value = decode(position, bytes) {
          findings[position] = .value(value)
        } else {
          unreadable.append((position, bytes))
        }
      default: break
      }
    }
    if !unreadable.isEmpty { await claim(unreadable, leases, &findings) }
    state.withLock { $0.figures.count(findings) }
    return findings
  }

  /// Leaves leases in the place of values that cannot be read.
  private func claim<Value>(
    _ unreadable: [(position: Int, bytes: [UInt8])], _ leases: [Lease], _ findings: inout [Finding<Value>]
  ) async {
    let replies = await evaluate(
      CacheScripts.replaceIfEqual,
      unreadable.map { position, bytes in
        (leases[position].key, [bytes, leases[position].claim, milliseconds(options.leaseLife)])
      })
    for (reply, (position, _)) in zip(replies ?? [], unreadable) {
      findings[position] = reply == .integer(1) ? .lease(leases[position]) : .busy
    }
  }

  /// Stores values, each if its lease still stands.
  ///
  /// - Parameter life: how long they may be read; at most ``Options/longestLife``.
  package func fill(_ values: [(lease: Lease, bytes: [UInt8])], life: Duration) async {
    precondition(life <= options.longestLife, "a value would outlive the invalidations that are owed for it")
    precondition(values.allSatisfy { $0.bytes.first != Self.claimMark }, "a value looks like a lease")
    guard !values.isEmpty else { return }
    let replies = await evaluate(
      CacheScripts.replaceIfEqual,
      values.map { lease, bytes in (lease.key, [lease.claim, bytes, milliseconds(life)]) })
    let stored = (replies ?? []).count { $0 == .integer(1) }
    let refused = (replies ?? []).count { $0 == .integer(0) }
    state.withLock { state in
      state.figures.fills += stored
      state.figures.refusedFills += refused
    }
  }

  /// Takes back leases that will not be filled.
  package func giveBack(_ leases: [Lease]) async {
    guard !leases.isEmpty else { return }
    _ = await evaluate(CacheScripts.deleteIfEqual, leases.map { ($0.key, [$0.claim]) })
  }

  // MARK: - Invalidating

  /// Removes what is stored of `keys` and revokes the leases on them: after the commit that changed what they tell of.
  ///
  /// When it returns, the cache has done it, or it is owed.
  ///
  /// - Parameter isCertain: whether the commit's outcome is known; one that is not may take effect later.
  package func invalidate(_ keys: [String], isCertain: Bool = true) async {
    guard !keys.isEmpty else { return }
    let replies = await ask([CacheCommand("DEL", keys.map { $0 as any CacheArgument })])
    let isDone = if case .integer = replies?.first { true } else { false }
    guard !isDone || !isCertain else { return }
    let now = environment.clock.now
    state.withLock { state in
      if !isDone { state.figures.postponed += 1 }
      let settled = now.advanced(by: options.uncertainty)
      state.owe(
        keys,
        OwedInvalidation(
          due: isDone ? settled : now, repeatAt: isDone || isCertain ? nil : settled,
          until: settled.advanced(by: options.leaseLife + options.longestLife)))
    }
    bell.ring()
  }

  // MARK: - Asking

  /// Sends commands as one unit, if the cache is worth asking; `nil` when there is no answer.
  private func ask(_ commands: [CacheCommand]) async -> [CacheReply]? {
    guard case .allowed(let permit) = gate.admit() else {
      state.withLock { $0.figures.skipped += 1 }
      return nil
    }
    do {
      let replies = try await client.send(commands, deadline: environment.clock.now.advanced(by: options.timeout))
      gate.record(replies.contains(where: \.isFailure) ? .failed : .succeeded, permit)
      return replies
    } catch is CancellationError {
      gate.record(.abandoned, permit)
      return nil
    } catch {
      gate.record(.failed, permit)
      state.withLock { state in
        state.figures.failures += 1
        state.isSuspect = true
      }
      bell.ring()
      return nil
    }
  }

  /// Runs a script once for each call, by its digest first.
  private func evaluate(
    _ script: CacheScript, _ calls: [(key: String, arguments: [[UInt8]])]
  ) async -> [CacheReply]? {
    guard var replies = await ask(calls.map { .evaluate(script, keys: [$0.key], arguments: $0.arguments) }) else {
      return nil
    }
    let unknown = replies.indices.filter { replies[$0].isUnknownScript }
    guard !unknown.isEmpty else { return replies }
    let again = unknown.map { position -> CacheCommand in
      .evaluateSource(script, keys: [calls[position].key], arguments: calls[position].arguments)
    }
    for (position, reply) in zip(unknown, await ask(again) ?? []) { replies[position] = reply }
    return replies
  }

  private func newLease(_ key: String) -> Lease {
    var claim = [Self.claimMark]
    claim.reserveCapacity(17)
    for part in [environment.entropy.next(), environment.entropy.next()] {
      claim.append(contentsOf: (0..<8).map { UInt8(truncatingIfNeeded: part >> (8 * $0)) })
    }
    return Lease(key: key, claim: claim)
  }

  private func milliseconds(_ duration: Duration) -> [UInt8] {
    Array(String(max(1, duration.nanosecondsClamped / 1_000_000)).utf8)
  }
}

extension CacheReply {
  /// Whether the server says that it cannot do what it should: it loads its data, has no memory, is a replica.
  fileprivate var isFailure: Bool {
    guard case .error = self else { return false }
    return !isUnknownScript
  }

  fileprivate var isUnknownScript: Bool {
    guard case .error(let error) = self else { return false }
    return error.prefix == "NOSCRIPT"
  }
}
