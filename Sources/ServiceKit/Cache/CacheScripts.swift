package import Seams

/// The scripts of the services. Both sides of the seam run these and no others.
package enum CacheScripts {
  /// Every script, for whoever simulates or checks them.
  package static let all = [deleteIfEqual, replaceIfEqual]

  /// Removes key 1 if it holds argument 1: how the holder of a claim gives it back without taking another's.
  ///
  /// Answers 1 when it did, 0 when not.
  package static let deleteIfEqual = CacheScript(
    name: "delete-if-equal", keyCount: 1,
    source: """
      if redis.call('GET', KEYS[1]) == ARGV[1] then
        return redis.call('DEL', KEYS[1])
      end
      return 0
      """
  ) { context in
    let key = context.keys[0]
    guard try context.call(.get(key)).bytes == context.arguments.first else { return .integer(0) }
    return try context.call(.delete(key))
  }

  /// Sets key 1 to argument 2, for argument 3 milliseconds, if it holds argument 1: how the holder of a claim puts a value
  /// in its place, and only as long as the claim is still there.
  ///
  /// Answers 1 when it did, 0 when not.
  package static let replaceIfEqual = CacheScript(
    name: "replace-if-equal", keyCount: 1,
    source: """
      if redis.call('GET', KEYS[1]) == ARGV[1] then
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        return 1
      end
      return 0
      """
  ) { context in
    let (key, arguments) = (context.keys[0], context.arguments)
    guard try context.call(.get(key)).bytes == arguments[0] else { return .integer(0) }
    _ = try context.call(CacheCommand("SET", key, arguments[1], "PX", arguments[2]))
    return .integer(1)
  }
}
