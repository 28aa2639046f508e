import Seams
import SimulationKernel

extension CommandSpecification {
  /// Redis manual, "Generic" commands.
  static var keys: [String: CommandSpecification] {
    [
      "DEL": Self(arity: -2) { $0.delete() },
      "UNLINK": Self(arity: -2) { $0.delete() },
      "EXISTS": Self(arity: -2) { call in .integer(Int64((1..<call.count).count { call.entry($0) != nil })) },
      "EXPIRE": Self(arity: -3) { try $0.expire(inSeconds: true, fromNow: true) },
      "PEXPIRE": Self(arity: -3) { try $0.expire(inSeconds: false, fromNow: true) },
      "EXPIREAT": Self(arity: -3) { try $0.expire(inSeconds: true, fromNow: false) },
      "PEXPIREAT": Self(arity: -3) { try $0.expire(inSeconds: false, fromNow: false) },
      "TTL": Self(arity: 2) { call in call.timeLeft { ($0 + 500) / 1000 } },
      "PTTL": Self(arity: 2) { call in call.timeLeft { $0 } },
      "PERSIST": Self(arity: 2) { $0.persist() },
      "TYPE": Self(arity: 2) { .status($0.entry()?.value.typeName ?? "none") },
      "SCAN": Self(arity: -2) { try $0.scan() },
      "DBSIZE": Self(arity: 1) { .integer(Int64($0.keyspace.count(now: $0.now))) },
      "FLUSHDB": Self(arity: -1) { try $0.flush() },
    ]
  }
}

extension Invocation {
  fileprivate func delete() -> CacheReply {
    var removed: Int64 = 0
    for position in 1..<count where entry(position) != nil {
      keyspace.set(bytes(position), nil)
      removed += 1
    }
    return .integer(removed)
  }

  fileprivate func timeLeft(_ scale: (Int64) -> Int64) -> CacheReply {
    guard let entry = entry() else { return .integer(-2) }
    return .integer(entry.expiresAt.map { scale(max(0, $0 - now)) } ?? -1)
  }

  fileprivate func persist() -> CacheReply {
    guard var entry = entry(), entry.expiresAt != nil else { return .integer(0) }
    entry.expiresAt = nil
    keyspace.set(bytes(1), entry)
    return .integer(1)
  }

  /// expire.c, `expireGenericCommand`.
  fileprivate func expire(inSeconds: Bool, fromNow: Bool) throws -> CacheReply {
    let conditions = try expiryConditions()
    var instant = try integer(2)
    if inSeconds {
      guard instant <= .max / 1000, instant >= .min / 1000 else { throw RedisFailure.expireTime(name) }
      instant *= 1000
    }
    if fromNow {
      let (sum, overflow) = instant.addingReportingOverflow(now)
      guard !overflow else { throw RedisFailure.expireTime(name) }
      instant = sum
    }
    guard var entry = entry() else { return .integer(0) }
    let current = entry.expiresAt
    let isRefused =
      conditions.contains("NX") && current != nil || conditions.contains("XX") && current == nil
      || conditions.contains("GT") && current.map { instant <= $0 } ?? true
      || conditions.contains("LT") && current.map { instant >= $0 } ?? false
    if isRefused { return .integer(0) }
    entry.expiresAt = instant
    keyspace.set(bytes(1), instant <= now ? nil : entry)
    return .integer(1)
  }

  private func expiryConditions() throws -> Set<String> {
    var conditions: Set<String> = []
    for position in 3..<max(3, count) {
      let word = word(position)
      guard ["NX", "XX", "GT", "LT"].contains(word) else {
        throw RedisFailure("ERR Unsupported option \(String(decoding: command[position], as: UTF8.self))")
      }
      conditions.insert(word)
    }
    if conditions.contains("NX"), conditions.count > 1 {
      throw RedisFailure("ERR NX and XX, GT or LT options at the same time are not compatible")
    }
    if conditions.isSuperset(of: ["GT", "LT"]) {
      throw RedisFailure("ERR GT and LT options at the same time are not compatible")
    }
    return conditions
  }

  /// Keys come in an order drawn from the seed, pages are of any size up to twice what was asked for, and keys may come
  /// again: all that Redis allows itself ("SCAN guarantees").
  fileprivate func scan() throws -> CacheReply {
    guard let cursor = Numbers.cursor(command[1]) else { throw RedisFailure("ERR invalid cursor") }
    var pattern: ArraySlice<UInt8>?
    var wanted = 10
    var type: String?
    for position in stride(from: 2, to: count, by: 2) {
      guard position + 1 < count else { throw RedisFailure.syntax }
      switch word(position) {
      case "MATCH": pattern = command[position + 1]
      case "TYPE": type = word(position + 1).lowercased()
      case "COUNT":
        let number = try integer(position + 1)
        guard number >= 1 else { throw RedisFailure.syntax }
        wanted = Int(min(number, 1 << 20))
      default: throw RedisFailure.syntax
      }
    }
    let random = engine.entropy
    let (keys, next) = keyspace.page(
      after: cursor, count: 1 + random.index(below: 2 * wanted), repeating: random.chance(0.1) ? wanted : 0, now: now)
    let found = keys.filter { key in
      if let pattern, !Glob.matches(pattern, key[...]) { return false }
      return type.map { keyspace.entry(key, now: now)?.value.typeName == $0 } ?? true
    }
    return .array([.bytes(Array(String(next).utf8)), .array(found.map { .bytes($0) })])
  }

  fileprivate func flush() throws -> CacheReply {
    guard count == 1 || count == 2 && ["ASYNC", "SYNC"].contains(word(1)) else { throw RedisFailure.syntax }
    keyspace.removeAll()
    return .ok
  }
}
