package import Seams
internal import Synchronization

/// Lets one task read what several want at the same time.
///
/// Who wants a key either leads, reads it and tells all others, or joins a read that is under way. A read that fails
/// fails its leader alone: those who joined it start over.
package final class CoalescedReads<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  /// A read under way.
  package final class Flight: Sendable {
    private struct State {
      var isOver = false
      var value: Value?
      var bells: [Doorbell] = []
    }

    private let state = Mutex(State())

    /// Ends the read, once: later calls do nothing.
    ///
    /// - Parameter value: what was read, `nil` when that failed.
    func land(_ value: Value?) {
      let bells = state.withLock { state -> [Doorbell] in
        guard !state.isOver else { return [] }
        (state.isOver, state.value) = (true, value)
        defer { state.bells = [] }
        return state.bells
      }
      for bell in bells { bell.ring() }
    }

    /// Waits for the read to end.
    ///
    /// - Returns: what was read; `nil` when that failed.
    /// - Throws: ``DeadlineExceeded``; `CancellationError`.
    package func wait(until deadline: MonotonicInstant, clock: any MonotonicClock) async throws -> Value? {
      let bell = Doorbell()
      let isOver = state.withLock { state in
        if !state.isOver { state.bells.append(bell) }
        return state.isOver
      }
      if !isOver { try await withDeadline(deadline, clock: clock) { try await bell.wait() } }
      return state.withLock { $0.value }
    }
  }

  /// What a task does that wants a key.
  package enum Role {
    /// Reads it, and ends the flight however the reading ends.
    case lead(Flight)
    /// Waits for it.
    case join(Flight)
  }

  private let flights = Mutex<[Key: Flight]>([:])

  /// No reads yet.
  package init() {}

  /// Begins to read `key`, or joins who reads it.
  package func begin(_ key: Key) -> Role {
    flights.withLock { flights in
      if let flight = flights[key] { return .join(flight) }
      let flight = Flight()
      flights[key] = flight
      return .lead(flight)
    }
  }

  /// Ends a read that this task leads. Repeating it does nothing.
  ///
  /// - Parameter value: what was read, `nil` when that failed.
  package func end(_ flight: Flight, of key: Key, with value: Value?) {
    flights.withLock { flights in
      if flights[key] === flight { flights[key] = nil }
    }
    flight.land(value)
  }

  /// Lets nobody join the reads of `keys` any more that are under way: what they tell of has changed.
  package func close(_ keys: [Key]) {
    flights.withLock { flights in
      for key in keys { flights[key] = nil }
    }
  }
}
