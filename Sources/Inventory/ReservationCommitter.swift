import FoundationEssentials
import Seams
import ServiceKit

/// Reserves by group commit: requests that arrive while a batch commits become the next batch.
struct ReservationCommitter: Sendable {
  private let committer: GroupCommitter<ReserveRequest, ReserveOutcome, UUID>

  init(database: InventoryDatabase, options: GroupCommitOptions) {
    committer = GroupCommitter(
      clock: database.environment.clock, entropy: database.environment.entropy, options: options,
      conflictKeys: { request in request.lines.lines.map(\.productId) + [request.orderId] },
      recovery: GroupCommitRecovery.forTransaction,
      commit: { batch in try await database.reserve(batch) })
  }

  /// Decides a request.
  ///
  /// - Throws: `upstream_timeout` at the deadline, `overloaded` when too many wait or the service goes down;
  ///   `SQLError`.
  func reserve(_ request: ReserveRequest, deadline: MonotonicInstant) async throws -> ReserveOutcome {
    do {
      return try await committer.submit(request, deadline: deadline)
    } catch let error as GroupCommitError {
      switch error {
      case .deadlineExceeded(wasStarted: false):
        throw Problem.upstreamTimeout("The deadline passed before the request was begun: nothing was reserved.")
      case .deadlineExceeded(wasStarted: true): throw Problem.upstreamTimeout()
      case .queueFull: throw Problem.overloaded()
      case .stopped: throw Problem.overloaded("The service is going down. Send the same request again.")
      }
    }
  }

  /// Commits until it has finished or its task is cancelled.
  func run() async throws { try await committer.run() }

  /// Accepts nothing more and lets `run()` end.
  func finish() { committer.finish() }
}
