/// How long a value lives.
public enum CacheExpiry: Sendable, Hashable {
  /// For ever.
  case never
  /// As long as the value that it replaces would have.
  case unchanged
  /// For a duration, in whole milliseconds, at least one.
  case after(Duration)
  /// Until an instant of the server's civil clock.
  case at(Timestamp)

  func append(to command: inout CacheCommand) {
    switch self {
    case .never: break
    case .unchanged: command.append("KEEPTTL")
    case .after(let duration): command.append("PX", duration.cacheMilliseconds)
    case .at(let instant): command.append("PXAT", instant.microsecondsSinceEpoch / 1000)
    }
  }
}

/// When a SET takes place.
public enum CacheCondition: Sendable, Hashable {
  case always
  /// Only where there is no value yet (NX).
  case ifAbsent
  /// Only where there is one (XX).
  case ifPresent
}

extension Duration {
  /// Whole milliseconds, rounded up: a value is never given less time than was asked for, and never none.
  var cacheMilliseconds: Int64 { max(1, (nanosecondsClamped - 1) / 1_000_000 + 1) }
}

/// Strings and counters (Redis manual, "Strings").
extension CacheCommand {
  /// The value of `key`: bytes, or null.
  public static func get(_ key: any CacheArgument) -> CacheCommand { CacheCommand("GET", key) }

  /// The values of `keys`, each bytes or null.
  public static func get(_ keys: [any CacheArgument]) -> CacheCommand { CacheCommand("MGET", keys) }

  /// Sets `key`: status `OK`, or null where the condition does not hold.
  ///
  /// - Parameter returningOld: answers with the value that was there, in place of the above.
  public static func set(
    _ key: any CacheArgument, _ value: any CacheArgument, expiry: CacheExpiry = .never,
    condition: CacheCondition = .always, returningOld: Bool = false
  ) -> CacheCommand {
    var command = CacheCommand("SET", key, value)
    switch condition {
    case .always: break
    case .ifAbsent: command.append("NX")
    case .ifPresent: command.append("XX")
    }
    if returningOld { command.append("GET") }
    expiry.append(to: &command)
    return command
  }

  /// Adds to a counter, which begins at 0: its new value.
  public static func increment(_ key: any CacheArgument, by amount: Int64 = 1) -> CacheCommand {
    CacheCommand("INCRBY", key, amount)
  }
}
