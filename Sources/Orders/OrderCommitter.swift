import FoundationEssentials
import Seams
import ServiceKit

/// Makes orders by group commit: requests that arrive while a batch commits become the next batch.
struct OrderCommitter: Sendable {
  private let committer: GroupCommitter<NewOrder, CreateOutcome, OrderBatch.Key>

  /// - Parameter begin: takes the sagas of the orders that a batch has made, once it has committed.
  init(
    database: OrdersDatabase, options: GroupCommitOptions, owner: UUID, lease: Duration,
    begin: @escaping @Sendable ([Saga]) -> Void
  ) {
    committer = GroupCommitter(
      clock: database.environment.clock, entropy: database.environment.entropy, options: options,
      conflictKeys: { [OrderBatch.Key(userId: $0.userId, key: $0.key)] },
      recovery: GroupCommitRecovery.forTransaction,
      commit: { batch in
        let result = try await database.create(batch, owner: owner, lease: lease)
        begin(result.begun)
        // Rivals of other instances hold the keys of all that is left: what they do takes a moment.
        if result.answers.allSatisfy(\.isPutBack) {
          let clock = database.environment.clock
          try await clock.sleep(until: clock.now.advanced(by: .milliseconds(20)), tolerance: nil)
        }
        return result.answers
      })
  }

  /// Makes an order, or finds the one that the request's key stands for.
  ///
  /// - Throws: `upstream_timeout` at the deadline, `overloaded` when too many wait or the service goes down; `SQLError`.
  func create(_ order: NewOrder, deadline: MonotonicInstant) async throws -> CreateOutcome {
    do {
      return try await committer.submit(order, deadline: deadline)
    } catch let error as GroupCommitError {
      switch error {
      case .deadlineExceeded(wasStarted: false):
        throw Problem.upstreamTimeout("The deadline passed before the request was begun: no order was made.")
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
