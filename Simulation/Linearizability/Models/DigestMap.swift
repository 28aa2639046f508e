internal import HashTreeCollections

/// A dictionary that is cheap to copy with one entry changed, to hash and mostly to compare: copies share what they have
/// in common, and a digest of all entries is kept up to date with every change.
struct DigestMap<Key: Hashable & Sendable, Value: Hashable & Sendable>: Hashable, Sendable {
  private var entries: TreeDictionary<Key, Value> = [:]
  private var digest = 0

  subscript(key: Key) -> Value? {
    get { entries[key] }
    set {
      if let old = entries[key] { digest ^= Self.digest(key, old) }
      if let newValue { digest ^= Self.digest(key, newValue) }
      entries[key] = newValue
    }
  }

  static func == (left: DigestMap, right: DigestMap) -> Bool {
    left.digest == right.digest && left.entries == right.entries
  }

  func hash(into hasher: inout Hasher) { hasher.combine(digest) }

  private static func digest(_ key: Key, _ value: Value) -> Int {
    var hasher = Hasher()
    hasher.combine(key)
    hasher.combine(value)
    return hasher.finalize()
  }
}
