package import FoundationEssentials
package import Seams

/// Makes UUIDs of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then randomness.
///
/// Rows with such keys are appended to the right edge of their index, where random keys would dirty a page of it each.
/// Only the database's clock decides anything: the time within an id is never read back.
package struct TimeOrderedIDs: Sendable {
  private let wallClock: any WallClock
  private let entropy: any EntropySource

  /// Ids from the host's clock and randomness.
  package init(wallClock: any WallClock, entropy: any EntropySource) {
    self.wallClock = wallClock
    self.entropy = entropy
  }

  /// The next id.
  package func next() -> UUID {
    let milliseconds = UInt64(bitPattern: wallClock.now.microsecondsSinceEpoch / 1_000) & 0xFFFF_FFFF_FFFF
    let high = milliseconds << 16 | 0x7000 | entropy.next() & 0x0FFF
    let low = entropy.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return UUID(high: high, low: low)
  }
}
