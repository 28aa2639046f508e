import Seams

extension CommandSpecification {
  /// Redis manual, "Sorted set" commands.
  static var sortedSets: [String: CommandSpecification] {
    [
      "ZADD": Self(arity: -4) { try $0.addMembers() },
      "ZSCORE": Self(arity: 3) { $0.bulk(try $0.members().score(of: $0.bytes(2)).map(Numbers.text)) },
      "ZCARD": Self(arity: 2) { .integer(Int64(try $0.members().count)) },
      "ZCOUNT": Self(arity: 4) { call in
        let range = try call.scoreRange(2, 3)
        return .integer(Int64(try call.members().positions(in: range).count))
      },
      "ZRANGE": Self(arity: -4) { try $0.range(isByScore: false) },
      "ZRANGEBYSCORE": Self(arity: -4) { try $0.range(isByScore: true) },
      "ZREM": Self(arity: -3) { call in
        let removed = try call.keyspace.withSortedSet(call.bytes(1), creating: false, now: call.now) { set in
          (2..<call.count).count { set.remove(call.bytes($0)) }
        }
        return .integer(Int64(removed ?? 0))
      },
      "ZREMRANGEBYSCORE": Self(arity: 4) { call in
        let range = try call.scoreRange(2, 3)
        return try call.removeRange { $0.positions(in: range) }
      },
      "ZREMRANGEBYRANK": Self(arity: 4) { call in
        let (start, stop) = (try call.integer(2), try call.integer(3))
        return try call.removeRange { $0.positions(from: start, through: stop) }
      },
    ]
  }
}

extension Invocation {
  fileprivate func members() throws -> SortedSet {
    guard let entry = entry() else { return SortedSet() }
    guard case .sortedSet(let set) = entry.value else { throw RedisFailure.wrongType }
    return set
  }

  /// Two bounds: a number, an infinity, or either behind a bracket that leaves it out.
  fileprivate func scoreRange(_ minimum: Int, _ maximum: Int) throws -> ScoreRange {
    func bound(_ position: Int) throws -> (value: Double, isExcluded: Bool) {
      let bytes = command[position]
      let isExcluded = bytes.first == UInt8(ascii: "(")
      guard let value = Numbers.double(isExcluded ? bytes.dropFirst() : bytes, isScore: false) else {
        throw RedisFailure.rangeIsNoFloat
      }
      return (value, isExcluded)
    }
    let (low, high) = (try bound(minimum), try bound(maximum))
    return ScoreRange(
      minimum: low.value, maximum: high.value, excludesMinimum: low.isExcluded, excludesMaximum: high.isExcluded)
  }

  fileprivate func removeRange(_ positions: (SortedSet) -> Range<Int>) throws -> CacheReply {
    let removed = try keyspace.withSortedSet(bytes(1), creating: false, now: now) { set in
      let range = positions(set)
      set.removeSubrange(range)
      return range.count
    }
    return .integer(Int64(removed ?? 0))
  }

  /// t_zset.c, `zaddGenericCommand`.
  fileprivate func addMembers() throws -> CacheReply {
    var options: Set<String> = []
    var start = 2
    while start < count, ["NX", "XX", "CH", "INCR", "GT", "LT"].contains(word(start)) {
      options.insert(word(start))
      start += 1
    }
    let pairs = (count - start) / 2
    guard pairs > 0, (count - start) % 2 == 0 else { throw RedisFailure.syntax }
    try checkCompatible(options, pairs)
    let scores = try (0..<pairs).map { index -> Double in
      guard let score = Numbers.double(command[start + 2 * index], isScore: true) else { throw RedisFailure.notAFloat }
      return score
    }
    let isIncrement = options.contains("INCR")
    var (added, updated): (Int64, Int64) = (0, 0)
    var result: Double?
    _ = try keyspace.withSortedSet(bytes(1), creating: !options.contains("XX"), now: now) { set in
      for (index, score) in scores.enumerated() {
        let member = bytes(start + 2 * index + 1)
        let current = set.score(of: member)
        var score = score
        if let current {
          if options.contains("NX") { continue }
          if isIncrement { score += current }
          guard !score.isNaN else { throw RedisFailure("ERR resulting score is not a number (NaN)") }
          if options.contains("GT") && score <= current || options.contains("LT") && score >= current { continue }
          if score != current { updated += 1 }
        } else {
          if options.contains("XX") { continue }
          added += 1
        }
        if score != current { set.set(member, to: score) }
        result = score
      }
    }
    if isIncrement { return bulk(result.map(Numbers.text)) }
    return .integer(options.contains("CH") ? added + updated : added)
  }

  private func checkCompatible(_ options: Set<String>, _ pairs: Int) throws {
    if options.isSuperset(of: ["NX", "XX"]) {
      throw RedisFailure("ERR XX and NX options at the same time are not compatible")
    }
    let comparing = options.intersection(["GT", "LT"]).count
    if comparing == 2 || comparing == 1 && options.contains("NX") {
      throw RedisFailure("ERR GT, LT, and/or NX options at the same time are not compatible")
    }
    if options.contains("INCR"), pairs > 1 {
      throw RedisFailure("ERR INCR option supports a single increment-element pair")
    }
  }

  /// t_zset.c, `zrangeGenericCommand`.
  fileprivate func range(isByScore isFixed: Bool) throws -> CacheReply {
    var (isByScore, isReversed, hasScores) = (isFixed, false, false)
    var (offset, limit): (Int64, Int64) = (0, -1)
    var position = 4
    while position < count {
      switch word(position) {
      case "WITHSCORES": hasScores = true
      case "LIMIT" where position + 2 < count:
        (offset, limit) = (try integer(position + 1), try integer(position + 2))
        position += 2
      case "REV" where !isFixed && !isReversed: isReversed = true
      case "BYSCORE" where !isFixed && !isByScore: isByScore = true
      case "BYLEX" where !isFixed: throw RefusedCommand("ZRANGE BYLEX")
      default: throw RedisFailure.syntax
      }
      position += 1
    }
    if limit != -1, !isByScore {
      throw RedisFailure("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
    }
    var found: [SortedSet.Element]
    if isByScore {
      let range = try isReversed ? scoreRange(3, 2) : scoreRange(2, 3)
      let set = try members()
      let elements = set.elements[set.positions(in: range)]
      let ordered = isReversed ? Array(elements.reversed()) : Array(elements)
      found = offset < 0 ? [] : Array(ordered.dropFirst(Int(clamping: offset)))
      if limit >= 0 { found = Array(found.prefix(Int(clamping: limit))) }
    } else {
      let (start, stop) = (try integer(2), try integer(3))
      let set = try members()
      let positions = set.positions(from: start, through: stop)
      found = positions.map { set.elements[isReversed ? set.count - 1 - $0 : $0] }
    }
    return .array(
      found.flatMap { element -> [CacheReply] in
        hasScores ? [.bytes(element.member), .bytes(Numbers.text(element.score))] : [.bytes(element.member)]
      })
  }
}
