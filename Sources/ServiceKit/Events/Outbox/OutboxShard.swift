package import FoundationEssentials

/// The shards of an outbox, which publishers share.
package enum OutboxShard {
  /// How many there are.
  package static let count = 16

  /// The shard of `subject`: FNV-1a over its 16 bytes, modulo 16 (Fowler, Noll, Vo, draft-eastlake-fnv).
  package static func of(_ subject: UUID) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    withUnsafeBytes(of: subject.uuid) { bytes in
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    }
    // The low bits of FNV-1a depend on the low bits of each byte alone: fold the high ones in.
    return Int((hash ^ (hash >> 32) ^ (hash >> 16)) % UInt64(count))
  }
}
