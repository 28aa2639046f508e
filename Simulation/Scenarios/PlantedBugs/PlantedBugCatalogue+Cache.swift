internal import Checkers

extension PlantedBugCatalogue {
  // MARK: - A cache that tells what is no longer so, or is waited for

  static let cache: [PlantedBug] = [
    invalidationSwallowed,
    PlantedBug(
      "fill-without-lease", "what was read before a change is stored after it", foundBy: ["cache-race"],
      as: [.cacheAgreesAtRest]
    ).with { $0.cache = [.fillsWithoutLease] },
    PlantedBug(
      "leases-alike", "a fill takes another's lease for its own", foundBy: ["cache-race"], as: [.cacheAgreesAtRest]
    ).with { $0.cache = [.leasesAreAlike] },
    PlantedBug(
      "owed-invalidation-forgotten", "an invalidation that the cache did not answer is not sent again",
      foundBy: ["redis-down"], as: [.cacheAgreesAtRest]
    ).with { $0.cache = [.forgetsOwedInvalidations] },
    PlantedBug(
      "aggregate-for-ever", "what is cached does not expire", foundBy: ["cache-race"], as: [.aggregateIsTrue]
    ).with { $0.cache = [.fillsForEver] },
    PlantedBug(
      "write-by-cached-version", "an update is decided by the version in the cache", foundBy: ["cache-race"],
      as: [.versionHadChanged, .moreWasReserved]
    ).with { $0.asksCacheForRows = true },
    PlantedBug(
      "cache-waited-for", "a request waits for a cache that does not answer", foundBy: ["redis-down"],
      as: [.answeredInTime]
    ).with { $0.cache = [.waitsForAnswers] },
    invalidationSwallowed.with { $0.cache.insert(.fillsForEver) }.judgedAlone(
      "stale-for-ever", "neither a change nor its life ends what is cached; only the age of reads is judged",
      foundBy: ["cache-race"], as: [.staleReadIsBounded]),
  ]

  private static let invalidationSwallowed = PlantedBug(
    "invalidation-swallowed", "a change of stock does not reach the cache", foundBy: ["cache-race"],
    as: [.cacheAgreesAtRest]
  ).with { $0.cache = [.swallowsInvalidations] }
}
