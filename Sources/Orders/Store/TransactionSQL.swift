import Seams

/// The statements that frame a transaction.
///
/// Lock order. No transaction of this service waits for a lock while it holds one that another may want, but for row
/// locks taken one at a time:
///
/// - a batch of new orders tries the advisory locks of its idempotency keys and puts back who does not get one;
/// - a batch of saga records, and a claim, take the order rows that are free (`SKIP LOCKED`);
/// - a claim of notifications takes the rows that are free; what came of them is recorded by their instance alone, and locks
///   rows in the order of their ids where another has claimed one since;
/// - a cancel, and an event from the inventory, lock one order row each.
///
/// The foreign keys add KEY SHARE locks on rows of orders and products, which NO KEY UPDATE does not conflict with
/// (PostgreSQL manual §13.3.2).
enum TransactionSQL {
  static let begin: SQLStatement = "BEGIN ISOLATION LEVEL READ COMMITTED"
  static let commit: SQLStatement = "COMMIT"
  static let rollback: SQLStatement = "ROLLBACK"
  static let now: SQLStatement = "SELECT now() AS transaction_time"
}
