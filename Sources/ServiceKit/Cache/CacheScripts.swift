package import Seams

/// The scripts of the services. Both sides of the seam run these and no others.
package enum CacheScripts {
  /// Every script, for whoever simulates or checks them.
  package static let all = [deleteIfEqual]

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
}
