/// Keys of any type, and the server (Redis manual, "Generic" and "Server").
extension CacheCommand {
  /// Removes keys: how many there were.
  public static func delete(_ keys: any CacheArgument...) -> CacheCommand { CacheCommand("DEL", keys) }

  /// Lets a key live for `duration` from now: 1, or 0 where there is none.
  public static func expire(_ key: any CacheArgument, after duration: Duration) -> CacheCommand {
    CacheCommand("PEXPIRE", key, duration.cacheMilliseconds)
  }

  /// Milliseconds that a key has left: -1 without an end, -2 without a key.
  public static func timeToLive(_ key: any CacheArgument) -> CacheCommand { CacheCommand("PTTL", key) }

  /// A page of keys: the cursor of the next one (`0` after the last), and the keys. A key that is there from the first
  /// page to the last is in one of them, perhaps in several; the order means nothing.
  ///
  /// - Parameters:
  ///   - cursor: `0` for the first page.
  ///   - pattern: a glob that keys must match.
  ///   - count: about how many keys are looked at.
  public static func scan(
    cursor: any CacheArgument, matching pattern: (any CacheArgument)? = nil, count: Int? = nil
  ) -> CacheCommand {
    var command = CacheCommand("SCAN", cursor)
    if let pattern { command.append("MATCH", pattern) }
    if let count { command.append("COUNT", count) }
    return command
  }

  /// Status `PONG`.
  public static let ping = CacheCommand("PING")

  /// Loads a script: its digest.
  public static func load(_ script: CacheScript) -> CacheCommand { CacheCommand("SCRIPT", "LOAD", script.source) }

  /// Runs a script by its digest; error NOSCRIPT where the server does not know it.
  public static func evaluate(
    _ script: CacheScript, keys: [any CacheArgument], arguments: [any CacheArgument] = []
  ) -> CacheCommand {
    CacheCommand("EVALSHA", script.call(script.digest, keys, arguments))
  }

  /// Runs a script by its source, which the server keeps.
  public static func evaluateSource(
    _ script: CacheScript, keys: [any CacheArgument], arguments: [any CacheArgument] = []
  ) -> CacheCommand {
    CacheCommand("EVAL", script.call(script.source, keys, arguments))
  }
}

extension CacheScript {
  fileprivate func call(
    _ name: String, _ keys: [any CacheArgument], _ arguments: [any CacheArgument]
  ) -> [any CacheArgument] {
    precondition(keys.count == keyCount, "script \(self.name) takes \(keyCount) keys, not \(keys.count)")
    return [name, keyCount] + keys + arguments
  }
}
