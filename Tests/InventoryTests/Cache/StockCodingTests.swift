import FoundationEssentials
import Inventory
import Testing

@Suite struct StockCodingTests {
  private static let largest = 1_000_000_000

  @Test(arguments: [
    (0, 0, 1), (127, 127, 127), (128, 0, 128), (largest, largest, Int.max), (16_383, 1, 16_384),
  ])
  func stockReadsBackAsItWasWritten(_ quantity: Int, _ reserved: Int, _ version: Int) {
    let item = StockItem(productId: product(1), quantity: quantity, reserved: reserved, version: version)
    let bytes = StockCoding.encode(item)
    #expect(StockCoding.item(product(1), from: bytes) == item)
    #expect(StockCoding.items(from: StockCoding.encode([item, item])) == [item, item])
  }

  @Test func aProductsStockTakesAFewBytes() {
    let item = StockItem(productId: product(1), quantity: 1_000, reserved: 12, version: 345)
    #expect(StockCoding.encode(item) == [1, 0xE8, 0x07, 12, 0xD9, 0x02])
  }

  @Test func sumsReadBackAsTheyWereWritten() {
    let stats = InventoryStats(products: 3, quantity: 70_000, reserved: 5, soldOut: 0, pendingReservations: 1_000_000)
    #expect(StockCoding.stats(from: StockCoding.encode(stats)) == stats)
    #expect(StockCoding.items(from: StockCoding.encode([StockItem]())) == [])
  }

  /// Another release's format, a value that was cut off, one with something behind it: each is as good as none.
  @Test func anythingElseIsNothing() {
    let item = StockItem(productId: product(1), quantity: 300, reserved: 12, version: 345)
    let one = StockCoding.encode(item)
    let many = StockCoding.encode([item, item])
    #expect(StockCoding.item(product(1), from: []) == nil)
    #expect(StockCoding.item(product(1), from: [2] + one.dropFirst()) == nil)
    #expect(StockCoding.item(product(1), from: [1, 5, 6, 1]) == nil, "more reserved than there is")
    #expect(StockCoding.item(product(1), from: [1] + Array(repeating: 0xFF, count: 20)) == nil)
    for length in 0..<one.count { #expect(StockCoding.item(product(1), from: Array(one[..<length])) == nil) }
    for length in 0..<many.count { #expect(StockCoding.items(from: Array(many[..<length])) == nil) }
    #expect(StockCoding.item(product(1), from: one + [0]) == nil)
    #expect(StockCoding.items(from: many + [0]) == nil)
    #expect(StockCoding.stats(from: one) == nil)
    #expect(StockCoding.format != 0)
  }
}
