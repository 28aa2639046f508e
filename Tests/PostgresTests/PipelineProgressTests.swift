import Seams
import Testing

@testable import Postgres

@Suite("What is known of a commit from the answers so far")
struct PipelineProgressTests {
  private let refused = SQLError(.server, sqlState: .uniqueViolation, message: "duplicate key")

  private func progress(
    _ texts: [String], from status: SQLConnectionStatus = .idle
  ) -> PipelineProgress {
    let steps = texts.indices.map { PipelineProgress.Step.execute(statement: $0) } + [.sync]
    return PipelineProgress(steps: steps, commits: CommitPoints(texts.map(StatementKind.init(of:)), from: status))
  }

  private func failure(fatal: Bool = false) -> PipelineProgress.Answer {
    .failure(refused, isStalePlan: false, isFatal: fatal)
  }

  @Test func aWriteOutsideATransactionIsInDoubtUntilTheSync() {
    var progress = progress(["UPDATE t SET a = 1"])
    #expect(progress.mayHaveCommitted)
    _ = progress.take(.success(committed: false))
    _ = progress.take(.end)
    #expect(progress.mayHaveCommitted, "the commit comes with the sync, not with the statement")
    _ = progress.take(.sync)
    #expect(progress.isComplete)
    #expect(!progress.mayHaveCommitted, "nothing is in doubt once all is answered")
  }

  @Test func aReadIsNeverInDoubt() {
    #expect(!progress(["SELECT 1"]).mayHaveCommitted)
  }

  @Test func aWriteInsideATransactionIsNotInDoubt() {
    #expect(!progress(["INSERT INTO t VALUES (1)"], from: .inTransaction).mayHaveCommitted)
  }

  @Test func aCommitIsInDoubtWhenUnansweredAndTakenWhenAnswered() {
    var progress = progress(["COMMIT", "SELECT 1"], from: .inTransaction)
    #expect(progress.mayHaveCommitted)
    _ = progress.take(.success(committed: true))
    _ = progress.take(.end)
    _ = progress.take(failure())
    #expect(progress.mayHaveCommitted, "the commit stands although a later statement failed")
  }

  @Test func aCommitOfAFailedTransactionIsARollback() {
    #expect(!progress(["COMMIT"], from: .inFailedTransaction).mayHaveCommitted)
  }

  @Test func anErrorBeforeTheCommitSettlesIt() {
    var progress = progress(["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"])
    _ = progress.take(.success(committed: false))
    _ = progress.take(.end)
    _ = progress.take(failure())
    #expect(!progress.mayHaveCommitted)
    #expect(progress.failure?.statement == 1)
  }

  @Test func theFirstFailureCounts() {
    var progress = progress(["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"])
    for answer in [failure(), .end, .skipped, .end] { _ = progress.take(answer) }
    #expect(!progress.isComplete)
    _ = progress.take(.sync)
    #expect(progress.isComplete)
    #expect(progress.failure?.statement == 0)
  }

  @Test func aConnectionEndedAtTheCommitLeavesItInDoubt() {
    var progress = progress(["COMMIT"], from: .inTransaction)
    _ = progress.take(failure(fatal: true))
    #expect(progress.mayHaveCommitted)
  }

  @Test func aConnectionEndedInTheMiddleOfAWriteDidNotCommitIt() {
    var progress = progress(["UPDATE t SET a = 1"])
    _ = progress.take(failure(fatal: true))
    #expect(!progress.mayHaveCommitted)
  }

  @Test func aFailureAtTheSyncIsTheCommits() {
    var progress = progress(["INSERT INTO t VALUES (1)"])
    for answer in [.success(committed: false), .end, failure()] { _ = progress.take(answer) }
    #expect(progress.failure?.isAtCommit == true)
    #expect(progress.failure?.statement == nil)
    #expect(!progress.mayHaveCommitted)
    _ = progress.take(.end)
    #expect(!progress.isComplete, "the end of the error is not the sync")
    _ = progress.take(.sync)
    #expect(progress.isComplete)
  }

  @Test func aFailedDeallocationIsNobodysError() {
    let steps: [PipelineProgress.Step] = [.deallocate, .sync, .execute(statement: 0), .sync]
    var progress = PipelineProgress(steps: steps, commits: CommitPoints())
    for answer in [failure(), .end, .sync, .success(committed: false), .end] { _ = progress.take(answer) }
    #expect(progress.failure == nil)
    _ = progress.take(.sync)
    #expect(progress.isComplete)
  }
}

@Suite("Kinds of statements")
struct StatementKindTests {
  @Test(arguments: [
    ("BEGIN", StatementKind.begin), ("begin isolation level repeatable read", .begin),
    ("START TRANSACTION", .begin), ("COMMIT", .commit), ("end", .commit), ("COMMIT AND CHAIN", .commit),
    ("COMMIT PREPARED 'x'", .write), ("PREPARE TRANSACTION 'x'", .commit), ("ROLLBACK", .rollback),
    ("ABORT", .rollback), ("ROLLBACK TO SAVEPOINT a", .read), ("ROLLBACK WORK TO a", .read),
    ("rollback work", .rollback), ("SELECT 1", .read), ("(SELECT 1)", .read),
    ("-- commit\n/* begin /* nested */ end */ UPDATE t SET a = 1", .write),
    ("WITH a AS (DELETE FROM t RETURNING id) SELECT * FROM a", .write), ("INSERT INTO t VALUES (1)", .write),
    ("CREATE TABLE t (a int)", .write), ("", .write), ("SAVEPOINT a", .read),
  ])
  func areReadFromTheFirstWord(_ text: String, _ kind: StatementKind) {
    #expect(StatementKind(of: text) == kind)
  }

  @Test func aScriptThatCommitsIsSeenThroughQuotes() {
    #expect(StatementKind.scriptCommits("BEGIN; UPDATE t SET a = 'x'; COMMIT"))
    #expect(!StatementKind.scriptCommits("INSERT INTO t VALUES ('commit'); -- commit\nSELECT \"end\" FROM t"))
  }
}

@Suite("The cache of prepared statements")
struct PreparedStatementsTests {
  @Test func theLeastRecentlyUsedGoes() {
    var cache = PreparedStatements(capacity: 2)
    for text in ["a", "b"] { cache.insert(cache.make(text)) }
    #expect(cache.find("a") != nil)
    cache.insert(cache.make("c"))
    #expect(cache.find("b") == nil)
    #expect(cache.find("a")?.name == "s1")
    #expect(cache.takeDiscarded() == ["s2"])
    #expect(cache.discarded.isEmpty)
  }

  @Test func aStatementIsNotCachedBeforeItIsInserted() {
    var cache = PreparedStatements(capacity: 2)
    let statement = cache.make("a")
    #expect(cache.find("a") == nil)
    cache.insert(statement)
    #expect(cache.find("a") === statement)
  }

  @Test func namesAreNeverUsedAgain() {
    var cache = PreparedStatements(capacity: 1)
    var names: Set<String> = []
    for _ in 0..<5 {
      let statement = cache.make("a")
      cache.insert(statement)
      cache.remove(statement, isOnServer: false)
      names.insert(statement.name)
    }
    #expect(names.count == 5)
    #expect(cache.discarded.isEmpty)
  }

  @Test func aStalePlanIsDeallocated() {
    var cache = PreparedStatements(capacity: 1)
    let statement = cache.make("a")
    cache.insert(statement)
    cache.remove(statement, isOnServer: true)
    #expect(cache.count == 0)
    #expect(cache.discarded == [statement.name])
  }
}
