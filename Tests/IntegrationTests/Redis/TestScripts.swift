import Seams

/// Scripts that only tests run: what they do must be the same in Lua and in Swift.
enum TestScripts {
  static let all = [window, failing, answering, conversions]

  /// Takes one of `ARGV[3]` places in a window that begins at `ARGV[1]`; `ARGV[2]` is now, `ARGV[4]` a name of its own.
  static let window = CacheScript(
    name: "window", keyCount: 1,
    source: """
      redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1])
      if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
        return 0
      end
      redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
      return 1
      """
  ) { context in
    let key = context.keys[0]
    let arguments = context.arguments
    let edge = Array("(".utf8) + arguments[0]
    _ = try context.call(CacheCommand("ZREMRANGEBYSCORE", key, "-inf", edge))
    let limit = Int64(String(decoding: arguments[2], as: UTF8.self)) ?? 0
    guard try context.call(CacheCommand("ZCARD", key)).integer < limit else { return .integer(0) }
    _ = try context.call(CacheCommand("ZADD", key, arguments[1], arguments[3]))
    return .integer(1)
  }

  /// Writes, and then fails where the second key is no counter: what it wrote stays.
  static let failing = CacheScript(
    name: "failing", keyCount: 2,
    source: """
      redis.call('SET', KEYS[1], 'written')
      return redis.call('INCR', KEYS[2])
      """
  ) { context in
    _ = try context.call(.set(context.keys[0], "written"))
    return try context.call(CacheCommand("INCR", context.keys[1]))
  }

  /// Answers with an error of its own.
  static let answering = CacheScript(
    name: "answering", keyCount: 0, source: "return redis.error_reply('MINE it is')"
  ) { _ in .error(CacheError(server: "MINE it is")) }

  /// Answers with a list of every kind: what is read of a key, a status, a number cut to a whole one, and what is false.
  static let conversions = CacheScript(
    name: "conversions", keyCount: 1,
    source: "return {redis.call('GET', KEYS[1]), redis.status_reply('FINE'), 3.9, false, true, 'x', {1, {2}}}"
  ) { context in
    .array([
      try context.call(.get(context.keys[0])), .status("FINE"), .integer(3), .null, .integer(1),
      .bytes(Array("x".utf8)), .array([.integer(1), .array([.integer(2)])]),
    ])
  }
}
