import FoundationEssentials
import Seams
import Synchronization
import Testing

@Suite struct EntropySourceTests {
  /// Counts up, so that what is made of the bits shows.
  private final class Counting: EntropySource {
    private let value: Mutex<UInt64>

    init(from start: UInt64 = 0) { value = Mutex(start) }

    func next() -> UInt64 {
      value.withLock { value in
        value &+= 1
        return value
      }
    }
  }

  @Test func aUUIDCarriesVersion4AndItsVariant() {
    let id = Counting().uuid()
    #expect(id.uuidString == "00000000-0000-4001-8000-000000000002")
    let full = Counting(from: .max - 2).uuid()
    #expect(full.uuidString == "FFFFFFFF-FFFF-4FFE-BFFF-FFFFFFFFFFFF")
  }

  @Test func jitterStaysWithinItsSpread() {
    let source = Counting(from: 0x1234_5678_9ABC_DEF0)
    for _ in 0..<100 {
      let jittered = source.jittered(.seconds(1), spread: 0.25)
      #expect((.milliseconds(750) ... .milliseconds(1250)).contains(jittered))
    }
  }

  @Test func aUnitIntervalNeverReachesOne() {
    #expect(Counting(from: .max - 1).unitInterval() < 1)
    #expect(Counting(from: .max).unitInterval() == 0)
  }
}
