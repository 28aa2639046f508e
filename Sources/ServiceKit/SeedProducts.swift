package import FoundationEssentials
internal import Seams

/// The products of a demonstration or a benchmark: every service that seeds them gives them the same ids.
package enum SeedProducts {
  /// The id of the product `number`, from 1: fixed for ever, since catalogues and scenarios name it.
  ///
  /// A UUID of version 8 (RFC 9562 §5.8): `20c00000-0000-8000-8000-` and the number in hexadecimal.
  package static func id(_ number: Int) -> UUID {
    precondition((1...1_000_000_000).contains(number), "no product has the number \(number)")
    return UUID(high: 0x20c0_0000_0000_8000, low: 0x8000_0000_0000_0000 | UInt64(number))
  }
}
