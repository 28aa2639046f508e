package import FoundationEssentials
internal import Seams

/// How stock is written into the cache: a byte that names the format, then numbers of seven bits a byte, the lowest bits
/// first, the top bit set in all bytes but the last (LEB128).
///
/// Whoever finds a format that it does not know finds nothing. So instances of two releases can share a cache, and a
/// change of the format needs no flush. The number of the format stands in the value, not in the key: an invalidation
/// must reach what any release has stored.
package enum StockCoding {
  /// The format. It rises with every change of what follows, and is never 0, the mark of a lease.
  package static let format: UInt8 = 1

  /// One product's stock. Its id is the key's.
  package static func encode(_ item: StockItem) -> [UInt8] {
    var bytes = [format]
    bytes.reserveCapacity(16)
    append(item, to: &bytes)
    return bytes
  }

  /// The stock of `productId` from what ``encode(_:)-(StockItem)`` wrote; `nil` for anything else.
  package static func item(_ productId: UUID, from bytes: [UInt8]) -> StockItem? {
    var reader = Reader(bytes)
    guard let item = reader.item(productId), reader.isAtEnd else { return nil }
    return item
  }

  /// Several products' stock, in an order of meaning.
  package static func encode(_ items: [StockItem]) -> [UInt8] {
    var bytes = [format]
    bytes.reserveCapacity(8 + items.count * 24)
    append(items.count, to: &bytes)
    for item in items {
      withUnsafeBytes(of: item.productId.uuid) { bytes.append(contentsOf: $0) }
      append(item, to: &bytes)
    }
    return bytes
  }

  /// What ``encode(_:)-([StockItem])`` wrote; `nil` for anything else.
  package static func items(from bytes: [UInt8]) -> [StockItem]? {
    var reader = Reader(bytes)
    guard let count = reader.number(), count <= bytes.count else { return nil }
    var items: [StockItem] = []
    items.reserveCapacity(count)
    for _ in 0..<count {
      guard let id = reader.id(), let item = reader.item(id) else { return nil }
      items.append(item)
    }
    return reader.isAtEnd ? items : nil
  }

  /// Sums.
  package static func encode(_ stats: InventoryStats) -> [UInt8] {
    var bytes = [format]
    for number in [stats.products, stats.quantity, stats.reserved, stats.soldOut, stats.pendingReservations] {
      append(number, to: &bytes)
    }
    return bytes
  }

  /// What ``encode(_:)-(InventoryStats)`` wrote; `nil` for anything else.
  package static func stats(from bytes: [UInt8]) -> InventoryStats? {
    var reader = Reader(bytes)
    guard let products = reader.number(), let quantity = reader.number(), let reserved = reader.number(),
      let soldOut = reader.number(), let pending = reader.number(), reader.isAtEnd
    else { return nil }
    return InventoryStats(
      products: products, quantity: quantity, reserved: reserved, soldOut: soldOut, pendingReservations: pending)
  }

  private static func append(_ item: StockItem, to bytes: inout [UInt8]) {
    append(item.quantity, to: &bytes)
    append(item.reserved, to: &bytes)
    append(item.version, to: &bytes)
  }

  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    var rest = UInt64(number)
    while rest > 0x7F {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// Reads the bytes of one value. Every reading is `nil` once something was wrong.
private struct Reader {
  private let bytes: [UInt8]
  private var position: Int

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = bytes.first == StockCoding.format ? 1 : Int.max
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func number() -> Int? {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      guard position < bytes.count else { return nil }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return Int(value) }
    }
    return nil
  }

  mutating func id() -> UUID? {
    guard position <= bytes.count - 16 else { return nil }
    let id = UUID(high: bigEndian(at: position), low: bigEndian(at: position + 8))
    position += 16
    return id
  }

  private func bigEndian(at start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }

  mutating func item(_ productId: UUID) -> StockItem? {
    guard let quantity = number(), let reserved = number(), let version = number(), reserved <= quantity else {
      return nil
    }
    return StockItem(productId: productId, quantity: quantity, reserved: reserved, version: version)
  }
}
