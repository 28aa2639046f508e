package import Seams

/// An operation was not finished by its deadline.
package struct DeadlineExceeded: Error, Sendable, Hashable {
  package init() {}
}

/// Runs `operation` and cancels it at `deadline`.
///
/// It returns once `operation` has ended, so an operation that ignores cancellation delays it.
///
/// - Throws: ``DeadlineExceeded``; what `operation` throws.
package func withDeadline<R: Sendable>(
  _ deadline: MonotonicInstant, clock: any MonotonicClock,
  _ operation: @escaping @Sendable () async throws -> R
) async throws -> R {
  try await withThrowingTaskGroup(of: R.self) { group in
    group.addTask { try await operation() }
    if deadline < .distantFuture {
      group.addTask {
        try await clock.sleep(until: deadline, tolerance: nil)
        throw DeadlineExceeded()
      }
    }
    defer { group.cancelAll() }
    guard let first = try await group.next() else { preconditionFailure("the operation has a result") }
    return first
  }
}
