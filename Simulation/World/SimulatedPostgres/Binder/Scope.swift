import Seams

/// What a name in a query can mean: the sources of the query and of those around it.
final class Scope {
  struct Source {
    let name: String
    let columns: [(name: String, type: SQLType, index: Int)]
    let table: Table?
  }

  var sources: [Source?] = []
  let parent: Scope?
  /// References that leave this scope, for the query's plan.
  var outerReferences: [(level: Int, source: Int)] = []
  /// Set while the select list, HAVING and ORDER BY of a grouped query are bound.
  var grouping: GroupingScope?
  /// Columns that JOIN … USING merged: the first of them stands for both.
  var merged: [String: (source: Int, column: Int)] = [:]
  var windows: [WindowPlan] = []
  var blockingCalls: [BlockingCall] = []
  var allowsBlockingCalls = false

  init(parent: Scope?) { self.parent = parent }

  func add(_ source: Source, at position: Int) throws -> Int {
    if sources.contains(where: { $0?.name == source.name }) {
      throw Failure.make("42712", "table name \"\(source.name)\" specified more than once", at: position)
    }
    sources.append(source)
    return sources.count - 1
  }

  struct Match {
    let level: Int
    let source: Int
    let column: Int
    let type: SQLType
  }

  /// - Throws: 42703 for no such column, 42702 for more than one, 42P01 for no such table.
  func resolve(_ path: [String], at position: Int) throws -> Match {
    guard path.count <= 2 else { throw Failure.unsupported("a column name of \(path.count) parts", at: position) }
    var scope: Scope? = self
    var level = 0
    var sawTable = false
    while let current = scope {
      let found =
        path.count == 1
        ? try current.match(path[0], at: position) : try current.match(path[0], path[1], &sawTable, at: position)
      if let found {
        note(level: level, source: found.source)
        return Match(level: level, source: found.source, column: found.index, type: found.type)
      }
      if sawTable { break }
      scope = current.parent
      level += 1
    }
    if path.count == 1 { throw Failure.make("42703", "column \"\(path[0])\" does not exist", at: position) }
    if sawTable { throw Failure.make("42703", "column \(path[0]).\(path[1]) does not exist", at: position) }
    throw Failure.make("42P01", "missing FROM-clause entry for table \"\(path[0])\"", at: position)
  }

  private func note(level: Int, source: Int) {
    guard level > 0 else { return }
    var scope: Scope? = self
    for depth in stride(from: level, to: 0, by: -1) {
      scope?.outerReferences.append((depth, source))
      scope = scope?.parent
    }
  }

  private func match(_ column: String, at position: Int) throws -> (source: Int, index: Int, type: SQLType)? {
    if let merged = merged[column], let source = sources[merged.source] {
      return (merged.source, merged.column, source.columns.first { $0.index == merged.column }?.type ?? .unknown)
    }
    var found: (source: Int, index: Int, type: SQLType)?
    for (number, source) in sources.enumerated() {
      guard let source else { continue }
      for candidate in source.columns where candidate.name == column {
        if found != nil { throw Failure.make("42702", "column reference \"\(column)\" is ambiguous", at: position) }
        found = (number, candidate.index, candidate.type)
      }
    }
    return found
  }

  private func match(_ table: String, _ column: String, _ sawTable: inout Bool, at position: Int) throws
    -> (source: Int, index: Int, type: SQLType)?
  {
    guard let number = sources.firstIndex(where: { $0?.name == table }), let source = sources[number] else {
      return nil
    }
    sawTable = true
    let matches = source.columns.filter { $0.name == column }
    if matches.count > 1 {
      throw Failure.make("42702", "column reference \"\(column)\" is ambiguous", at: position)
    }
    return matches.first.map { (number, $0.index, $0.type) }
  }

  static func columns(of table: Table) -> [(name: String, type: SQLType, index: Int)] {
    table.columns.enumerated().compactMap { $1.isDropped ? nil : ($1.name, $1.type, $0) }
  }
}

/// The keys and aggregates of a grouped query while its outputs are bound.
final class GroupingScope {
  let plan: GroupingPlan
  let signatures: [String?]
  /// Sources whose primary key is among the keys: their other columns depend on it.
  var dependentSources: UInt64 = 0
  var isInsideAggregate = false
  var dependentKeys: [BoundExpression] = []

  init(plan: GroupingPlan) {
    self.plan = plan
    signatures = plan.keys.map(\.signature)
  }
}

/// A call in a select list that may wait: an advisory lock, a sleep.
struct BlockingCall {
  enum Kind {
    case advisoryLock(shared: Bool, forTransaction: Bool)
    case sleep
  }

  let kind: Kind
  let arguments: [BoundExpression]
}
