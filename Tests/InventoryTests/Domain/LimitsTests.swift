import FoundationEssentials
import Inventory
import Seams
import ServiceKit
import Testing

@Suite struct LimitsTests {
  @Test(arguments: [
    (-1, false), (0, false), (1, true), (1_000, true), (1_001, false), (Int.max, false), (Int.min, false),
  ])
  func aLineHasOneToAThousandUnits(quantity: Int, isValid: Bool) {
    #expect((ReservationLine(productId: product(1), quantity: quantity) != nil) == isValid)
  }

  @Test(arguments: [(0, false), (1, true), (2, true), (50, true), (51, false)])
  func aReservationHasOneToFiftyLines(count: Int, isValid: Bool) {
    #expect((ReservationLines((0..<count).map { line($0 + 1, 1) }) != nil) == isValid)
  }

  @Test func noProductComesTwice() {
    #expect(ReservationLines([line(1, 1), line(2, 1), line(1, 2)]) == nil)
    #expect(ReservationLines([line(1, 1), line(1, 1)]) == nil)
  }

  @Test func linesAreEqualInAnyOrder() {
    let lines = ReservationLines([line(3, 1), line(1, 2), line(2, 3)])
    #expect(lines == ReservationLines([line(2, 3), line(3, 1), line(1, 2)]))
    #expect(lines?.lines.map(\.productId) == [product(1), product(2), product(3)])
    #expect(lines?.units == 6)
    #expect(lines != ReservationLines([line(2, 3), line(3, 1), line(1, 1)]))
  }

  @Test(arguments: [(-1, false), (0, false), (1, true), (86_400, true), (86_401, false)])
  func aReservationLivesASecondToADay(seconds: Int, isValid: Bool) throws {
    let lines = try #require(ReservationLines([line(1, 1)]))
    let request = ReserveRequest(
      orderId: order(1), lines: lines, timeToLiveSeconds: seconds, correlationId: order(9))
    #expect((request != nil) == isValid)
  }

  @Test func stockCannotBeOversoldByConstruction() {
    #expect(StockItem(productId: product(1), quantity: 3, reserved: 3, version: 1).available == 0)
    #expect(StockItem(productId: product(1), quantity: 0, reserved: 0, version: 1).available == 0)
  }

  @Test func subjectsSpreadOverAllShards() {
    var counts = [Int](repeating: 0, count: 16)
    for number in 1...1_600 { counts[OutboxShard.of(InventorySeeder.productId(number))] += 1 }
    #expect(counts.allSatisfy { (50...170).contains($0) }, "\(counts)")
    // Pinned: publishers of two versions must agree on a subject's shard.
    #expect(OutboxShard.of(UUID(high: 0, low: 0)) == 3)
  }

  @Test func timeOrderedIdsSortByTimeAndAreOfVersion7() {
    let clock = SettableWallClock(Timestamp(microsecondsSinceEpoch: 1_700_000_000_000_000))
    let ids = TimeOrderedIDs(wallClock: clock, entropy: CountingEntropy())
    var last = ids.next()
    for _ in 0..<100 {
      clock.advance(by: .milliseconds(1))
      let next = ids.next()
      #expect(last < next)
      #expect(next.uuid.6 >> 4 == 7 && next.uuid.8 >> 6 == 0b10)
      last = next
    }
  }
}
