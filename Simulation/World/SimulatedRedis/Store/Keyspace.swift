import OrderedCollections
import SimulationKernel

/// The keys of one numbered database.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class Keyspace: @unchecked Sendable {
  let number: Int
  private let log: ReplicationLog
  /// Decides where in the order of SCAN a key stands.
  private let scanSeed: UInt64
  private var entries: [[UInt8]: Entry] = [:]
  /// The keys in the order of SCAN, until a key comes or goes.
  private var scanOrder: [(position: UInt64, key: [UInt8])]?

  init(number: Int, log: ReplicationLog, scanSeed: UInt64) {
    self.number = number
    self.log = log
    self.scanSeed = scanSeed
  }

  /// What `key` holds; what has expired is removed.
  func entry(_ key: [UInt8], now: Int64) -> Entry? {
    guard let entry = entries[key] else { return nil }
    guard entry.isExpired(at: now) else { return entry }
    replace(key, with: nil)
    return nil
  }

  /// Sets or removes what `key` holds.
  func set(_ key: [UInt8], _ entry: Entry?) {
    log.note(self, key, entries[key])
    replace(key, with: entry)
  }

  /// Removes every key.
  func removeAll() {
    if log.isKept { for (_, key) in ordered() { log.note(self, key, entries[key]) } }
    entries = [:]
    scanOrder = nil
  }

  /// Puts back what was there before a write that is lost.
  func restore(_ key: [UInt8], _ entry: Entry?) { replace(key, with: entry) }

  private func replace(_ key: [UInt8], with entry: Entry?) {
    let previous = entry.map { entries.updateValue($0, forKey: key) } ?? entries.removeValue(forKey: key)
    if (previous == nil) != (entry == nil) { scanOrder = nil }
  }

  /// Changes a hash in place; `nil` where there is none and none is wanted. An empty one is removed.
  func withHash<R>(
    _ key: [UInt8], creating: Bool, now: Int64, _ body: (inout OrderedDictionary<[UInt8], [UInt8]>) throws -> R
  ) throws -> R? {
    var entry = self.entry(key, now: now)
    if entry == nil, !creating { return nil }
    guard case .hash(var hash) = entry?.value ?? .hash([:]) else { throw RedisFailure.wrongType }
    prepareChange(key, &entry)
    defer { finishChange(key, hash.isEmpty ? nil : Entry(.hash(hash), expiresAt: entry?.expiresAt)) }
    return try body(&hash)
  }

  /// Changes a sorted set in place; `nil` where there is none and none is wanted. An empty one is removed.
  func withSortedSet<R>(
    _ key: [UInt8], creating: Bool, now: Int64, _ body: (inout SortedSet) throws -> R
  ) throws -> R? {
    var entry = self.entry(key, now: now)
    if entry == nil, !creating { return nil }
    guard case .sortedSet(var set) = entry?.value ?? .sortedSet(SortedSet()) else { throw RedisFailure.wrongType }
    prepareChange(key, &entry)
    defer { finishChange(key, set.count == 0 ? nil : Entry(.sortedSet(set), expiresAt: entry?.expiresAt)) }
    return try body(&set)
  }

  /// Lets go of every other reference to the value that is about to change, so that it is not copied.
  private func prepareChange(_ key: [UInt8], _ entry: inout Entry?) {
    log.note(self, key, entry)
    guard entry != nil else { return }
    entry?.value = .string([])
    entries[key]?.value = .string([])
  }

  private func finishChange(_ key: [UInt8], _ entry: Entry?) { replace(key, with: entry) }

  // MARK: - All keys

  /// The number of keys that have not expired.
  func count(now: Int64) -> Int { entries.values.reduce(0) { $0 + ($1.isExpired(at: now) ? 0 : 1) } }

  /// A page of keys behind `cursor`, and the next cursor, 0 at the end.
  ///
  /// Every key has a fixed position, so that one which stays is on exactly one page; the keys of `repeating` positions
  /// before the page are given once more, as real Redis may.
  func page(after cursor: UInt64, count: Int, repeating: Int, now: Int64) -> (keys: [[UInt8]], next: UInt64) {
    let order = ordered()
    let start = order.firstIndex { $0.position > cursor } ?? order.count
    var end = min(order.count, start + count)
    while end < order.count, end > start, order[end].position == order[end - 1].position { end += 1 }
    let keys = order[max(0, start - repeating)..<end].map(\.key).filter { entry($0, now: now) != nil }
    return (keys, end < order.count ? order[end - 1].position : 0)
  }

  private func ordered() -> [(position: UInt64, key: [UInt8])] {
    if let scanOrder { return scanOrder }
    let order = entries.keys.map { (position: position(of: $0), key: $0) }.sorted {
      $0.position != $1.position ? $0.position < $1.position : $0.key.lexicographicallyPrecedes($1.key)
    }
    scanOrder = order
    return order
  }

  /// 1 ... 2^48 - 1.
  private func position(of key: [UInt8]) -> UInt64 {
    var digest = Digest(seed: scanSeed)
    digest.add(key)
    return max(1, digest.value >> 16)
  }
}

/// FNV-1a with a final mix: for the order of SCAN and for the trace.
struct Digest {
  private var state: UInt64

  init(seed: UInt64 = 0) { state = 0xCBF2_9CE4_8422_2325 ^ seed }

  mutating func add(_ bytes: some Collection<UInt8>) {
    add(UInt64(bytes.count))
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  mutating func add(_ number: UInt64) { state = (state ^ number) &* 0x9E37_79B9_7F4A_7C15 }

  var value: UInt64 {
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
