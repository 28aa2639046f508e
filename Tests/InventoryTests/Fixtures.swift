import CSimulationTraps
import FoundationEssentials
import Inventory
import Seams
import Synchronization
import Testing

func product(_ number: Int) -> UUID { InventorySeeder.productId(number) }

func order(_ number: Int) -> UUID { UUID(high: 0x0d00_0000_0000_4000, low: 0x8000_0000_0000_0000 | UInt64(number)) }

func line(_ number: Int, _ quantity: Int) -> ReservationLine {
  guard let line = ReservationLine(productId: product(number), quantity: quantity) else {
    preconditionFailure("\(quantity) is no quantity of a line")
  }
  return line
}

/// A wall clock that shows what a test says.
final class SettableWallClock: WallClock {
  private let time: Mutex<Timestamp>

  init(_ time: Timestamp) { self.time = Mutex(time) }

  var now: Timestamp { time.withLock { $0 } }

  func advance(by duration: Duration) {
    time.withLock { $0 = $0.advanced(by: duration) }
  }
}

/// Counts up: every id is new.
final class CountingEntropy: EntropySource {
  private let count = Mutex<UInt64>(0)

  func next() -> UInt64 {
    count.withLock { count in
      count += 1
      return count &* 0x9E37_79B9_7F4A_7C15
    }
  }
}

/// `#expect` for the simulated thread: a failure's record reads the time, which no simulated thread may.
func check(
  _ condition: Bool, _ comment: @autoclosure () -> String = "this does not hold",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard !condition else { return }
  zoco_traps_suspend()
  defer { zoco_traps_resume() }
  Issue.record(Comment(rawValue: comment()), sourceLocation: sourceLocation)
}
