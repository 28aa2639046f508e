import FoundationEssentials
import Logging
import Seams
import ServiceKit
import Synchronization

/// Those who wait for orders to come to their final states: one look at the database for all of them.
final class OrderWaits: Sendable {
  private struct Waiter {
    var orderId: UUID
    var deadline: MonotonicInstant
    var bell: Doorbell
  }

  private struct State {
    var waiters: [Int: Waiter] = [:]
    var next = 0
  }

  private let database: OrdersDatabase
  private let interval: Duration
  private let bell = Doorbell()
  private let state = Mutex(State())

  /// - Parameter interval: from one look to the next.
  init(database: OrdersDatabase, interval: Duration) {
    self.database = database
    self.interval = interval
  }

  /// Waits until an order is in its final state, or until `deadline`, give or take one look.
  ///
  /// - Throws: `CancellationError`.
  func wait(for orderId: UUID, until deadline: MonotonicInstant) async throws {
    let own = Doorbell()
    let ticket = state.withLock { state in
      state.next += 1
      state.waiters[state.next] = Waiter(orderId: orderId, deadline: deadline, bell: own)
      return state.next
    }
    bell.ring()
    defer { state.withLock { _ = $0.waiters.removeValue(forKey: ticket) } }
    try await own.wait()
  }

  /// Wakes those who wait for an order that this instance has brought to its end.
  func settle(_ orderId: UUID) {
    let bells = state.withLock { state in
      state.waiters.sorted { $0.key < $1.key }.filter { $0.value.orderId == orderId }.map(\.value.bell)
    }
    for bell in bells { bell.ring() }
  }

  /// Looks, as long as somebody waits, until cancellation.
  func run() async throws {
    let environment = database.environment
    while true {
      try await bell.wait()
      while let waiting = look() {
        try await environment.clock.sleep(until: environment.clock.now.advanced(by: interval), tolerance: nil)
        do {
          let deadline = environment.clock.now.advanced(by: .seconds(5))
          for id in try await database.settled(among: waiting, deadline: deadline) { settle(id) }
        } catch let error as SQLError {
          environment.logger.info("looking for settled orders failed", metadata: ["error": .string("\(error)")])
        }
      }
    }
  }

  /// The orders that somebody waits for, once those whose time is up are woken; `nil` when nobody waits.
  private func look() -> [UUID]? {
    let now = database.environment.clock.now
    let (late, ids) = state.withLock { state -> ([Doorbell], [UUID]) in
      let waiters = state.waiters.sorted { $0.key < $1.key }.map(\.value)
      var seen: Set<UUID> = []
      return (
        waiters.filter { $0.deadline <= now }.map(\.bell),
        waiters.filter { $0.deadline > now && seen.insert($0.orderId).inserted }.map(\.orderId)
      )
    }
    for bell in late { bell.ring() }
    return ids.isEmpty ? nil : ids
  }
}
