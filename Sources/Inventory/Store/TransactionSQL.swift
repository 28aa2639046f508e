import Seams

/// The statements that frame a transaction.
///
/// Lock order. Every transaction of this service takes its locks in this order, and within a kind in the order of the
/// key, so that no two of them ever wait for each other in a circle:
///
/// 1. its idempotency key (`INSERT … ON CONFLICT`; replenish only),
/// 2. the item rows of all products it may change, by product id (`SELECT … ORDER BY product_id FOR NO KEY UPDATE`;
///    an UPDATE that is joined fixes no order),
/// 3. reservation rows: inserted by order id, or changed by id,
/// 4. rows that nobody else waits for: lines, movements, outbox.
///
/// A reservation's lines never change, so they may be read without a lock to learn its products first. The foreign
/// keys add KEY SHARE locks on item rows, which NO KEY UPDATE does not conflict with (PostgreSQL manual §13.3.2).
enum TransactionSQL {
  static let begin: SQLStatement = "BEGIN ISOLATION LEVEL READ COMMITTED"
  static let commit: SQLStatement = "COMMIT"
  /// A batch waits no longer than this for a row that somebody holds: then it goes on without it.
  static let limitBatchLockWait: SQLStatement = "SET LOCAL lock_timeout = '250ms'"
  /// CONTRACT, `idempotency_key_in_use`: a rival waits at most 5 s.
  static let limitKeyWait: SQLStatement = "SET LOCAL lock_timeout = '5s'"
  static let unlimitLockWait: SQLStatement = "SET LOCAL lock_timeout = 0"
}
