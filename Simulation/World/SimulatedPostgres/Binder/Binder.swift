import Seams

/// The plan of a statement that reads or changes rows.
final class StatementPlan {
  enum Step {
    case query(QueryPlan)
    case select(SelectPlan)
    case insert(InsertPlan)
    case update(UpdatePlan)
    case delete(DeletePlan)

    var isModification: Bool {
      switch self {
      case .query, .select: false
      default: true
      }
    }
  }

  /// In the order in which they run; the last is the statement's own.
  var steps: [Step] = []
  /// Modifications that nothing reads: they run after the main step, the last first, as PostgreSQL runs them.
  var order: [Int] = []
  var parameterTypes: [SQLType] = []
  var columns = SQLColumns([])
  var tables: [(table: Table, mode: LockMode)] = []
  var returnsRows = false
  var catalogVersion = 0
  /// The command's name, for read-only transactions.
  var command = "SELECT"
  var modifies = false
}

/// A table is locked by another transaction that changes it: wait for it, then bind again.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
struct RelationBusy: Error, @unchecked Sendable {
  let table: Table
  let mode: LockMode
}

/// Resolves names and types of one statement and makes its plan.
final class Binder {
  let session: Session
  var parameterTypes: [SQLType?]
  var plan = StatementPlan()
  var commonTables: [[String: CommonTable]] = []
  var subqueryCount = 0

  /// A WITH query in reach.
  final class CommonTable {
    let step: Int
    let columns: [PlanColumn]
    var isRead = false

    init(step: Int, columns: [PlanColumn]) {
      self.step = step
      self.columns = columns
    }
  }

  init(session: Session, parameterCount: Int) {
    self.session = session
    parameterTypes = Array(repeating: nil, count: parameterCount)
  }

  static func bind(_ statement: StatementSyntax, session: Session, parameterCount: Int) throws -> StatementPlan {
    let binder = Binder(session: session, parameterCount: parameterCount)
    let columns: [PlanColumn]
    let main = binder.plan
    switch statement {
    case .query(let query):
      let bound = try binder.bindQuery(query, parent: nil)
      columns = bound.columns
      main.returnsRows = true
      if let select = bound as? SelectPlan, select.mustRunAsStep {
        binder.addStep(.select(select))
      } else if let step = bound as? StepPlan, case .select = main.steps[step.step], step.step == main.steps.count - 1 {
        // The select became a step of its own while it was bound.
      } else {
        binder.addStep(.query(bound))
      }
    case .insert(let insert):
      let step = try binder.bindInsert(insert)
      columns = step.returning.columns
      main.command = "INSERT"
      main.returnsRows = !insert.returning.isEmpty
      binder.addStep(.insert(step))
    case .update(let update):
      let step = try binder.bindUpdate(update)
      columns = step.returning.columns
      main.command = "UPDATE"
      main.returnsRows = !update.returning.isEmpty
      binder.addStep(.update(step))
    case .delete(let delete):
      let step = try binder.bindDelete(delete)
      columns = step.returning.columns
      main.command = "DELETE"
      main.returnsRows = !delete.returning.isEmpty
      binder.addStep(.delete(step))
    default: preconditionFailure("only statements on rows are bound")
    }
    main.columns = SQLColumns(columns.map { SQLColumns.Column(name: $0.name, typeName: $0.type.typeName) })
    main.modifies = main.steps.contains { $0.isModification }
    main.parameterTypes = binder.parameterTypes.map { $0 ?? .text }
    main.order = binder.executionOrder()
    main.catalogVersion = session.database.catalogVersion
    return main
  }

  var unreadModifications: [Int] = []

  private func executionOrder() -> [Int] {
    let last = plan.steps.count - 1
    let unread = unreadModifications.filter { $0 != last }
    return plan.steps.indices.filter { !unread.contains($0) } + unread.reversed()
  }

  @discardableResult
  func addStep(_ step: StatementPlan.Step) -> Int {
    plan.steps.append(step)
    return plan.steps.count - 1
  }

  // MARK: Tables

  /// - Throws: 42P01; ``RelationBusy`` when another transaction is changing the table.
  func table(_ name: String, _ mode: LockMode, at position: Int) throws -> Table {
    guard let table = session.database.table(named: name, for: session.transaction) else {
      throw Failure.make("42P01", "relation \"\(name)\" does not exist", at: position)
    }
    guard let transaction = session.transaction, session.lockWeakly(table, mode, transaction) else {
      if let transaction = session.transaction,
        transaction.heldLocks.contains(where: { $0.tag == .relation(table) && $0.mode == mode })
      {
        note(table, mode)
        return table
      }
      throw RelationBusy(table: table, mode: mode)
    }
    note(table, mode)
    return table
  }

  private func note(_ table: Table, _ mode: LockMode) {
    if !plan.tables.contains(where: { $0.table === table && $0.mode == mode }) { plan.tables.append((table, mode)) }
  }

  // MARK: WITH

  func bindWith(_ items: [CommonTableSyntax]) throws {
    var tables: [String: CommonTable] = [:]
    commonTables.append(tables)
    for item in items {
      if tables[item.name] != nil {
        throw Failure.make("42712", "WITH query name \"\(item.name)\" specified more than once", at: item.position)
      }
      let step: Int
      var columns: [PlanColumn]
      switch item.statement {
      case .query(let query):
        let bound = try bindQuery(query, parent: nil)
        columns = bound.columns
        if let done = bound as? StepPlan, done.step == plan.steps.count - 1, case .select = plan.steps[done.step] {
          step = done.step
        } else {
          step = addStep(.query(bound))
        }
      case .insert(let insert):
        let bound = try bindInsert(insert)
        columns = bound.returning.columns
        step = addStep(.insert(bound))
        unreadModifications.append(step)
      case .update(let update):
        let bound = try bindUpdate(update)
        columns = bound.returning.columns
        step = addStep(.update(bound))
        unreadModifications.append(step)
      case .delete(let delete):
        let bound = try bindDelete(delete)
        columns = bound.returning.columns
        step = addStep(.delete(bound))
        unreadModifications.append(step)
      default: throw Failure.unsupported("this statement in WITH", at: item.position)
      }
      if item.columns.count > columns.count {
        throw Failure.make(
          "42P10",
          "WITH query \"\(item.name)\" has \(columns.count) columns available but \(item.columns.count) columns specified",
          at: item.position)
      }
      for (index, name) in item.columns.enumerated() { columns[index].name = name }
      tables[item.name] = CommonTable(step: step, columns: columns)
      commonTables[commonTables.count - 1] = tables
    }
  }

  func endWith() { commonTables.removeLast() }

  func commonTable(_ name: String) -> CommonTable? {
    for level in commonTables.reversed() {
      if let found = level[name] {
        unreadModifications.removeAll { $0 == found.step }
        return found
      }
    }
    return nil
  }

  // MARK: Types

  func type(_ syntax: TypeSyntax) throws -> SQLType {
    guard let base = SQLType.named(syntax.name) else {
      let known = [
        "timestamp", "date", "time", "time with time zone", "real", "float4", "char", "character", "bpchar", "money",
        "xml", "inet", "cidr", "bit", "point", "regclass", "regtype", "float", "macaddr", "tsvector", "int4range",
      ]
      if known.contains(syntax.name) { throw Failure.unsupported("the type \(syntax.name)", at: syntax.position) }
      throw Failure.make("42704", "type \"\(syntax.name)\" does not exist", at: syntax.position)
    }
    var modifier: Int32 = -1
    switch (base, syntax.modifiers.count) {
    case (_, 0): break
    case (.varchar, 1): modifier = Int32(syntax.modifiers[0])
    case (.numeric, 1): modifier = Int32(syntax.modifiers[0] << 16)
    case (.numeric, 2): modifier = Int32(syntax.modifiers[0] << 16 | syntax.modifiers[1])
    default: throw Failure.unsupported("a modifier of the type \(syntax.name)", at: syntax.position)
    }
    return SQLType(base, isArray: syntax.isArray, modifier: modifier)
  }
}
