internal import OrderedCollections
internal import Seams

/// An invalidation that is still to be sent.
struct OwedInvalidation {
  /// When it is to be sent.
  var due: MonotonicInstant
  /// When it is to be sent once more.
  var repeatAt: MonotonicInstant?
  /// When no value is left that it could be about.
  var until: MonotonicInstant
}

/// What a cache with leases remembers.
struct LeasedCacheState {
  var figures = LeasedCacheFigures()
  /// Whether the last question that was answered or given up was given up.
  var isSuspect = false
  private var owed: OrderedDictionary<String, OwedInvalidation> = [:]

  var snapshot: LeasedCacheFigures {
    var figures = figures
    figures.owed = owed.count
    return figures
  }

  /// Notes what is still to be invalidated. A later debt never shortens an earlier one.
  mutating func owe(_ keys: [String], _ new: OwedInvalidation) {
    for key in keys {
      guard let old = owed[key] else {
        owed[key] = new
        continue
      }
      let last = max(old.repeatAt ?? old.due, new.repeatAt ?? new.due)
      let first = min(old.due, new.due)
      owed[key] = OwedInvalidation(
        due: first, repeatAt: last > first ? last : nil, until: max(old.until, new.until))
    }
  }

  /// Takes invalidations that are due at `instant`, and forgets what has become pointless by `now`.
  mutating func takeDue(
    at instant: MonotonicInstant, now: MonotonicInstant, limit: Int
  ) -> [(key: String, debt: OwedInvalidation)] {
    guard !owed.isEmpty else { return [] }
    owed.removeAll { $0.value.until <= now }
    let due = owed.filter { $0.value.due <= instant }.elements.prefix(limit)
    for (key, _) in due { owed[key] = nil }
    return due.map { (key: $0.key, debt: $0.value) }
  }

  /// When the next one is due.
  var nextDue: MonotonicInstant? { owed.values.map(\.due).min() }

  /// Whether anything is owed.
  var isInDebt: Bool { !owed.isEmpty }
}

/// What a cache with leases has done.
package struct LeasedCacheFigures: Sendable, Hashable {
  /// Keys whose value was found.
  package var hits = 0
  /// Keys whose value was not found and may be filled.
  package var leases = 0
  /// Keys that somebody else was about to fill.
  package var busy = 0
  /// Keys that were not found for want of an answer.
  package var unavailable = 0
  /// Values stored.
  package var fills = 0
  /// Values not stored since their lease was gone: an invalidation came first, or the time was over.
  package var refusedFills = 0
  /// Questions that were not answered.
  package var failures = 0
  /// Questions that were not asked while the cache was left alone.
  package var skipped = 0
  /// Invalidations that could not be sent at once.
  package var postponed = 0
  /// Keys whose invalidation is still to be sent.
  package var owed = 0

  package init() {}

  mutating func count<Value>(_ findings: [LeasedCache.Finding<Value>]) {
    for finding in findings {
      switch finding {
      case .value: hits += 1
      case .lease: leases += 1
      case .busy: busy += 1
      case .unavailable: unavailable += 1
      }
    }
  }
}
