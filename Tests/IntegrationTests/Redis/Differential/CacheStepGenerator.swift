import Seams
import ServiceKit

/// Draws steps from a seed: commands of every type on a handful of keys, so that types clash, with arguments at their
/// edges and beyond.
struct CacheStepGenerator {
  static let keys = ["a", "b", "c", "d", "e", "{f}"]
  var random: CacheRandom
  let connections = 3
  let length: Int
  /// Every lifetime is drawn once, so that no two lie close enough for the clocks of two servers to tell.
  var lifetimes: Set<Int> = []

  init(seed: UInt64) {
    // Through the generator once: states that lie one step apart would give the same numbers, shifted by one.
    var mixer = CacheRandom(state: seed)
    random = CacheRandom(state: mixer.next())
    length = 20 + Int(random.next() % 60)
  }

  mutating func next() -> CacheStep {
    let connection = below(connections)
    if below(25) == 0 {
      let options = one(
        [], ["COUNT", "3"], ["MATCH", "[a-c]"], ["MATCH", "?"], ["TYPE", "hash"], ["COUNT", "0"], ["X"])
      return CacheStep(connection: connection, commands: [texts(["SCAN"] + options)], isScan: true)
    }
    if below(12) == 0 {
      let inner = (0..<1 + below(4)).map { _ in command() }
      return CacheStep(connection: connection, commands: [texts(["MULTI"])] + inner + [texts(["EXEC"])])
    }
    let count = below(4) == 0 ? 2 + below(3) : 1
    return CacheStep(connection: connection, commands: (0..<count).map { _ in command() })
  }

  private mutating func command() -> [CacheWord] {
    switch below(20) {
    case 0..<6: string()
    case 6..<10: generic()
    case 10..<13: hash()
    case 13..<17: sortedSet()
    case 17: control()
    default: script()
    }
  }

  private mutating func string() -> [CacheWord] {
    let key = self.key()
    switch below(16) {
    case 0..<4: return set(key)
    case 4: return texts(["GET", key])
    case 5: return texts(["MGET", key, self.key(), self.key()])
    case 6: return texts(["MSET", key, value(), self.key()] + (below(6) == 0 ? [] : [value()]))
    case 7: return texts(["GETDEL", key])
    case 8:
      return texts(["GETEX", key])
        + one([], texts(["PERSIST"]), texts(["EX", seconds()]), texts(["PX", milliseconds()]), expiryInstant(true))
    case 9: return texts(["APPEND", key, value()])
    case 10: return texts(["STRLEN", key])
    case 11: return texts(["SETNX", key, value()])
    case 12: return texts([one("INCR", "DECR"), key])
    case 13, 14: return texts([one("INCRBY", "DECRBY"), key, number()])
    default:
      let name = one("GET", "SET", "MSET", "INCRBY", "APPEND", "SETNX")
      return texts([name, key, key, key, key].shortened(below(5)))
    }
  }

  private mutating func set(_ key: String) -> [CacheWord] {
    var words = texts(["SET", key, value()])
    for _ in 0..<below(3) {
      words += one(
        texts(["NX"]), texts(["XX"]), texts(["GET"]), texts(["KEEPTTL"]), texts(["EX", seconds()]),
        texts(["PX", milliseconds()]), expiryInstant(false), texts(["px"]), texts(["WRONG"]))
    }
    return words
  }

  /// `PXAT` and `EXAT`; the past only where the key goes at once.
  private mutating func expiryInstant(_ mayBePast: Bool) -> [CacheWord] {
    let inSeconds = below(2) == 0
    let offset = mayBePast && below(3) == 0 ? Int64(-50_000) : Int64(lifetime()) * 1000
    return [.text(inSeconds ? "EXAT" : "PXAT"), .instant(offset, inSeconds: inSeconds)]
  }

  private mutating func generic() -> [CacheWord] {
    let key = self.key()
    switch below(14) {
    case 0: return texts([one("DEL", "UNLINK", "EXISTS"), key, self.key(), key])
    case 1, 2, 3:
      let name = one("EXPIRE", "PEXPIRE")
      return texts([name, key, name == "EXPIRE" ? seconds() : milliseconds()] + conditions())
    case 4, 5:
      let inSeconds = below(2) == 0
      let offset = below(5) == 0 ? Int64(-50_000) : Int64(lifetime()) * 1000
      return texts([inSeconds ? "EXPIREAT" : "PEXPIREAT", key]) + [.instant(offset, inSeconds: inSeconds)]
        + texts(conditions())
    case 6, 7: return texts([one("TTL", "PTTL"), key])
    case 8: return texts(["PERSIST", key])
    case 9: return texts(["TYPE", key])
    case 10: return texts(["DBSIZE"])
    case 11: return below(4) == 0 ? texts(["FLUSHDB"] + one([], ["ASYNC"], ["SYNC"], ["NOW"])) : texts(["TYPE", key])
    case 12: return texts(["SCAN", one("x", "-1", "0"), "COUNT", one("x", "-1")])
    default: return texts([one("TTL", "EXPIRE", "PERSIST", "DEL", "EXISTS", "TYPE"), key, key].shortened(below(3)))
    }
  }

  private mutating func conditions() -> [String] {
    one([], [], [], ["NX"], ["XX"], ["GT"], ["LT"], ["XX", "GT"], ["NX", "XX"], ["GT", "LT"], ["lt", "Gt"], ["ZZ"])
  }

  private mutating func hash() -> [CacheWord] {
    let key = self.key()
    switch below(11) {
    case 0, 1, 2: return texts(["HSET", key, field(), value(), field(), value()].shortened(below(5) == 0 ? 1 : 0))
    case 3: return texts([one("HGET", "HEXISTS"), key, field()])
    case 4: return texts(["HMGET", key, field(), field()])
    case 5: return texts(["HGETALL", key])
    case 6: return texts(["HDEL", key, field(), field()])
    case 7, 8: return texts(["HINCRBY", key, field(), number()])
    case 9: return texts(["HLEN", key])
    default: return texts([one("HGET", "HSET", "HDEL", "HINCRBY"), key, field()].shortened(below(3)))
    }
  }

  private mutating func sortedSet() -> [CacheWord] {
    let key = self.key()
    switch below(14) {
    case 0..<5:
      let options = (0..<below(3)).map { _ in one("NX", "XX", "GT", "LT", "CH", "INCR", "ch") }
      let pairs = (0..<1 + below(3)).flatMap { _ in [score(), member()] }
      return texts((["ZADD", key] + options + pairs).shortened(below(12) == 0 ? 1 : 0))
    case 5: return texts(["ZSCORE", key, member()])
    case 6: return texts(["ZCARD", key])
    case 7: return texts(["ZCOUNT", key, bound(), bound()])
    case 8, 9: return range(key)
    case 10: return texts(["ZRANGEBYSCORE", key, bound(), bound()] + rangeOptions(["WITHSCORES", "REV"]))
    case 11: return texts(["ZREM", key, member(), member()])
    case 12: return texts(["ZREMRANGEBYSCORE", key, bound(), bound()])
    default: return texts(["ZREMRANGEBYRANK", key, rank(), rank()])
    }
  }

  private mutating func range(_ key: String) -> [CacheWord] {
    if below(2) == 0 {
      return texts(["ZRANGE", key, rank(), rank()] + rangeOptions(["WITHSCORES", "REV"]))
    }
    return texts(["ZRANGE", key, bound(), bound(), "BYSCORE"] + rangeOptions(["WITHSCORES", "REV", "rev"]))
  }

  private mutating func rangeOptions(_ names: [String]) -> [String] {
    var options = names.filter { _ in below(3) == 0 }
    if below(3) == 0 { options += ["LIMIT", one("0", "1", "2", "-1", "x"), one("0", "1", "2", "-1", "100")] }
    if below(15) == 0 { options.append("LIMIT") }
    return options
  }

  private mutating func control() -> [CacheWord] {
    switch below(16) {
    case 0..<4: return texts(["MULTI"])
    case 4..<8: return texts(["EXEC"])
    case 8, 9: return texts(["DISCARD"])
    case 10: return texts([one("EXEC", "MULTI", "DISCARD"), "x"])
    case 11: return [.text("SELECT"), one(.database(0), .database(1), .text("16"), .text("-1"), .text("x"))]
    case 12: return texts(one(["PING"], ["PING", "x"], ["PING", "x", "y"], ["ECHO", "x"], ["ECHO"]))
    case 13: return texts(one(["TIME"], ["ROLE"]))
    case 14: return texts(["SCRIPT", "EXISTS"] + TestScripts.all.map(\.digest))
    default: return texts(["SCRIPT", "FLUSH"])
    }
  }

  private mutating func script() -> [CacheWord] {
    let script = one(
      CacheScripts.deleteIfEqual, CacheScripts.replaceIfEqual, TestScripts.window, TestScripts.failing,
      TestScripts.answering, TestScripts.conversions)
    if below(8) == 0 { return texts(["SCRIPT", "LOAD", script.source]) }
    if below(12) == 0 { return texts(["EVALSHA", script.digest, one("x", "-1", "99")]) }
    let keys = (0..<script.keyCount).map { _ in key() }
    var arguments: [String] = []
    if script.name == "window" { arguments = [one("0", "2", "5"), one("1", "3", "7"), one("1", "3"), member()] }
    if script.name == "delete-if-equal" { arguments = [value()] }
    if script.name == "replace-if-equal" { arguments = [value(), value(), one("1", "900", "60000", "0", "x")] }
    let name = one(["EVAL", script.source], ["EVALSHA", script.digest], ["EVALSHA", script.digest.uppercased()])
    return texts(name + ["\(script.keyCount)"] + keys + arguments)
  }
}
