import Seams

extension CommandSpecification {
  /// Redis manual, "String" commands.
  static var strings: [String: CommandSpecification] {
    [
      "SET": Self(arity: -3) { try $0.set() },
      "SETNX": Self(arity: 3) { try $0.setIfAbsent() },
      "GET": Self(arity: 2) { $0.bulk(try $0.string()) },
      "MGET": Self(arity: -2) { $0.getMany() },
      "MSET": Self(arity: -3) { try $0.setMany() },
      "GETDEL": Self(arity: 2) { try $0.getAndDelete() },
      "GETEX": Self(arity: -2) { try $0.getAndExpire() },
      "APPEND": Self(arity: 3) { try $0.append() },
      "STRLEN": Self(arity: 2) { .integer(Int64(try $0.string()?.count ?? 0)) },
      "INCR": Self(arity: 2) { try $0.add(1) },
      "DECR": Self(arity: 2) { try $0.add(-1) },
      "INCRBY": Self(arity: 3) { try $0.add($0.integer(2)) },
      "DECRBY": Self(arity: 3) { try $0.subtract() },
    ]
  }
}

/// The options that SET and GETEX share (t_string.c, `parseExtendedStringArgumentsOrReply`).
private struct StringOptions {
  var onlyIfAbsent = false
  var onlyIfPresent = false
  var returnsOld = false
  var keepsExpiry = false
  var removesExpiry = false
  /// `EX`, `PX`, `EXAT` or `PXAT`, and where its number stands.
  var expiry: (unit: String, position: Int)?

  init(_ call: Invocation, from start: Int, isSet: Bool) throws {
    var position = start
    while position < call.count {
      let word = call.word(position)
      let isFree = expiry == nil && !keepsExpiry && !removesExpiry
      switch word {
      case "NX" where isSet && !onlyIfPresent: onlyIfAbsent = true
      case "XX" where isSet && !onlyIfAbsent: onlyIfPresent = true
      case "GET" where isSet: returnsOld = true
      case "KEEPTTL" where isSet && expiry == nil: keepsExpiry = true
      case "PERSIST" where !isSet && expiry == nil: removesExpiry = true
      case "EX", "PX", "EXAT", "PXAT":
        let isAgain = expiry?.unit == word
        guard isFree || isAgain, position + 1 < call.count else { throw RedisFailure.syntax }
        position += 1
        expiry = (word, position)
      default: throw RedisFailure.syntax
      }
      position += 1
    }
  }

  /// When the value ends, in milliseconds (t_string.c, `getExpireMillisecondsOrReply`).
  func instant(_ call: Invocation) throws -> Int64? {
    guard let expiry else { return nil }
    var value = try call.integer(expiry.position)
    let isSeconds = expiry.unit.hasPrefix("EX")
    guard value > 0, !isSeconds || value <= Int64.max / 1000 else { throw RedisFailure.expireTime(call.name) }
    if isSeconds { value *= 1000 }
    guard !expiry.unit.hasSuffix("AT") else { return value }
    let (sum, overflow) = value.addingReportingOverflow(call.now)
    guard !overflow else { throw RedisFailure.expireTime(call.name) }
    return sum
  }
}

extension Invocation {
  fileprivate func set() throws -> CacheReply {
    let options = try StringOptions(self, from: 3, isSet: true)
    let expiresAt = try options.instant(self)
    let old = options.returnsOld ? bulk(try string()) : nil
    let known = entry()
    if options.onlyIfAbsent && known != nil || options.onlyIfPresent && known == nil { return old ?? .null }
    let kept = options.keepsExpiry ? known?.expiresAt : nil
    keyspace.set(bytes(1), Entry(.string(bytes(2)), expiresAt: expiresAt ?? kept))
    return old ?? .ok
  }

  fileprivate func setIfAbsent() throws -> CacheReply {
    guard entry() == nil else { return .integer(0) }
    keyspace.set(bytes(1), Entry(.string(bytes(2))))
    return .integer(1)
  }

  fileprivate func getMany() -> CacheReply {
    .array(
      (1..<count).map { position in
        guard case .string(let bytes)? = entry(position)?.value else { return .null }
        return .bytes(bytes)
      })
  }

  fileprivate func setMany() throws -> CacheReply {
    guard count % 2 == 1 else { throw RedisFailure.arity(name) }
    for position in stride(from: 1, to: count, by: 2) {
      keyspace.set(bytes(position), Entry(.string(bytes(position + 1))))
    }
    return .ok
  }

  fileprivate func getAndDelete() throws -> CacheReply {
    guard let value = try string() else { return .null }
    keyspace.set(bytes(1), nil)
    return .bytes(value)
  }

  fileprivate func getAndExpire() throws -> CacheReply {
    let options = try StringOptions(self, from: 2, isSet: false)
    guard var entry = entry(), let value = try string() else { return .null }
    if let instant = try options.instant(self) {
      entry.expiresAt = instant
      keyspace.set(bytes(1), instant <= now ? nil : entry)
    } else if options.removesExpiry, entry.expiresAt != nil {
      entry.expiresAt = nil
      keyspace.set(bytes(1), entry)
    }
    return .bytes(value)
  }

  fileprivate func append() throws -> CacheReply {
    let value = (try string() ?? []) + bytes(2)
    keyspace.set(bytes(1), Entry(.string(value), expiresAt: entry()?.expiresAt))
    return .integer(Int64(value.count))
  }

  fileprivate func subtract() throws -> CacheReply {
    let amount = try integer(2)
    guard amount != .min else { throw RedisFailure("ERR decrement would overflow") }
    return try add(-amount)
  }

  fileprivate func add(_ amount: Int64) throws -> CacheReply {
    let old = try string()
    guard let value = old.map({ Numbers.integer($0) }) ?? 0 else { throw RedisFailure.notAnInteger }
    let (sum, overflow) = value.addingReportingOverflow(amount)
    guard !overflow else { throw RedisFailure.overflow }
    keyspace.set(bytes(1), Entry(.string(Array(String(sum).utf8)), expiresAt: entry()?.expiresAt))
    return .integer(sum)
  }
}
