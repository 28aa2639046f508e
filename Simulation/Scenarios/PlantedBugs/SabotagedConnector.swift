internal import Seams

/// The SQL seam with a planted bug in it.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class SabotagedConnector: SQLConnector, @unchecked Sendable {
  private let base: any SQLConnector
  let bug: PlantedBug
  private let onBrokenSQL: (SQLError) -> Void
  private let cachedRow: (SQLStatement) -> SQLResult?
  private let count: SabotageCount
  private var commits = 0
  private var rewritten: [Place: String?] = [:]

  /// A statement and the one before it in its batch, as far as a rewrite asks for that.
  private struct Place: Hashable {
    var text: String
    var previous: String?
  }

  /// `base`, with `bug` between it and its users.
  ///
  /// - Parameters:
  ///   - cachedRow: the answer to a statement that the cache has.
  ///   - onBrokenSQL: called when the database finds a statement wrong in itself (class 42): then the bug is badly
  ///     written, and what it leads to shows nothing.
  init(
    _ base: any SQLConnector, bug: PlantedBug, count: SabotageCount,
    cachedRow: @escaping (SQLStatement) -> SQLResult? = { _ in nil }, onBrokenSQL: @escaping (SQLError) -> Void
  ) {
    self.base = base
    self.cachedRow = cachedRow
    self.bug = bug
    self.count = count
    self.onBrokenSQL = onBrokenSQL
  }

  /// Runs `send` and looks at what it fails with.
  func watched<R>(_ send: () async throws -> R) async throws -> R {
    do {
      return try await send()
    } catch let error as SQLError {
      if error.sqlState?.description.hasPrefix("42") == true { onBrokenSQL(error) }
      throw error
    }
  }

  func connect(deadline: MonotonicInstant) async throws -> any SQLConnection {
    SabotagedConnection(try await base.connect(deadline: deadline), self)
  }

  /// The statement that goes to the database in the place of `statement`.
  func sabotaged(_ statement: SQLStatement, after previous: SQLStatement? = nil) -> SQLStatement {
    if let commit = sabotagedCommit(statement) { return commit }
    guard !bug.rewrites.isEmpty else { return statement }
    let asksForPrevious = bug.rewrites.contains { $0.predecessor != nil }
    let place = Place(text: statement.text, previous: asksForPrevious ? previous?.text : nil)
    let change: String?
    if let known = rewritten[place] {
      change = known
    } else {
      change = rewrite(place)
      rewritten[place] = .some(change)
    }
    guard let change else { return statement }
    count.add()
    return SQLStatement(trusted: change, parameters: statement.parameters)
  }

  /// What the cache answers in the database's place.
  func cachedAnswer(_ statement: SQLStatement) -> SQLResult? {
    guard bug.asksCacheForRows, let answer = cachedRow(statement) else { return nil }
    count.add()
    return answer
  }

  /// Whether `statement` is answered and not sent.
  func swallows(_ statement: SQLStatement) -> Bool {
    guard let marker = bug.swallows, statement.text.contains(marker) else { return false }
    count.add()
    return true
  }

  /// Whether the transaction is cut in two after `statement`.
  func splits(after statement: SQLStatement) -> Bool {
    guard let marker = bug.splitsAfter, statement.text.contains(marker) else { return false }
    count.add()
    return true
  }

  private func rewrite(_ place: Place) -> String? {
    var result: String?
    for rewrite in bug.rewrites { result = rewrite.apply(to: result ?? place.text, after: place.previous) ?? result }
    return result
  }

  private func sabotagedCommit(_ statement: SQLStatement) -> SQLStatement? {
    guard case .rollsBackOneIn(let period) = bug.commits, statement.text == "COMMIT" else { return nil }
    commits += 1
    guard commits.isMultiple(of: period) else { return nil }
    count.add()
    return "ROLLBACK"
  }
}

/// A connection whose statements are changed on their way.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
private final class SabotagedConnection: SQLConnection, @unchecked Sendable {
  private let base: any SQLConnection
  private let connector: SabotagedConnector

  init(_ base: any SQLConnection, _ connector: SabotagedConnector) {
    self.base = base
    self.connector = connector
  }

  var status: SQLConnectionStatus { base.status }

  func execute(_ statement: SQLStatement, deadline: MonotonicInstant) async throws -> SQLResult {
    if let answer = connector.cachedAnswer(statement) { return answer }
    if connector.swallows(statement) { return Self.swallowed }
    let result = try await connector.watched {
      try await base.execute(connector.sabotaged(statement), deadline: deadline)
    }
    if connector.splits(after: statement) {
      _ = try await base.executeBatch(["COMMIT", "BEGIN"], deadline: deadline)
    }
    return result
  }

  func executeBatch(_ statements: [SQLStatement], deadline: MonotonicInstant) async throws -> [SQLResult] {
    var sent: [SQLStatement] = []
    // Where in `sent` each statement's answer comes from; none for one that was swallowed.
    var places: [Int?] = []
    for (index, statement) in statements.enumerated() {
      if connector.swallows(statement) {
        places.append(nil)
        continue
      }
      places.append(sent.count)
      sent.append(connector.sabotaged(statement, after: index > 0 ? statements[index - 1] : nil))
      if connector.splits(after: statement) { sent += ["COMMIT", "BEGIN"] }
    }
    let results = try await connector.watched { [sent] in try await base.executeBatch(sent, deadline: deadline) }
    return places.map { $0.map { results[$0] } ?? Self.swallowed }
  }

  private static let swallowed = SQLResult(rowCount: 1)

  func executeScript(_ text: String, deadline: MonotonicInstant) async throws {
    try await base.executeScript(text, deadline: deadline)
  }

  func close() {
    base.close()
  }
}
