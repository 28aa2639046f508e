import Seams

extension Session {
  /// BEGIN, COMMIT, ROLLBACK and savepoints.
  func control(_ statement: StatementSyntax) throws {
    switch statement {
    case .begin(let isolation, let readOnly): begin(isolation, readOnly)
    case .setTransaction(let isolation, let readOnly):
      guard let transaction else { return }
      if let isolation, isolation != transaction.isolation {
        if transaction.hasSnapshot {
          throw Failure.make("25001", "SET TRANSACTION ISOLATION LEVEL must be called before any query")
        }
        transaction.isolation = isolation
      }
      if let readOnly { transaction.isReadOnly = readOnly }
    case .commit:
      let wasFailed = block == .failed
      block = .none
      guard let transaction else { return }
      // COMMIT of a failed transaction is a ROLLBACK.
      if wasFailed { abortTransaction() } else { commit(transaction) }
    case .rollback: abortTransaction()
    case .savepoint(let name):
      guard block == .explicit, let transaction else {
        throw Failure.make("25P01", "SAVEPOINT can only be used in transaction blocks")
      }
      transaction.savepoints.append(
        Transaction.Savepoint(
          name: name, undoCount: transaction.undo.count, writeOrder: transaction.writeOrder, settings: settings,
          pendingSettings: pendingSettings))
      transaction.writeOrder = nil
    case .rollbackTo(let name):
      let (transaction, index) = try savepoint(name, "ROLLBACK TO SAVEPOINT")
      undo(transaction, toSavepoint: index)
      transaction.writeOrder = nil
      transaction.savepoints.removeSubrange((index + 1)...)
      block = .explicit
    case .release(let name):
      let (transaction, index) = try savepoint(name, "RELEASE SAVEPOINT")
      transaction.writeOrder = transaction.savepoints[index].writeOrder ?? transaction.writeOrder
      transaction.savepoints.removeSubrange(index...)
      for place in transaction.weakLocks.indices {
        transaction.weakLocks[place].depth = min(transaction.weakLocks[place].depth, index)
      }
      for place in transaction.heldLocks.indices {
        transaction.heldLocks[place].depth = min(transaction.heldLocks[place].depth, index)
      }
    default: preconditionFailure("not a transaction statement")
    }
  }

  private func savepoint(_ name: String, _ command: String) throws -> (Transaction, Int) {
    guard block == .explicit || block == .failed else {
      throw Failure.make("25P01", "\(command) can only be used in transaction blocks")
    }
    guard let transaction, let index = transaction.savepoints.lastIndex(where: { $0.name == name }) else {
      throw Failure.make("3B001", "savepoint \"\(name)\" does not exist")
    }
    return (transaction, index)
  }

  private func begin(_ isolation: IsolationLevel?, _ readOnly: Bool?) {
    // BEGIN within a transaction is a warning and changes nothing but the mode of an implicit one.
    if block == .explicit { return }
    block = .explicit
    let transaction = startTransaction()
    transaction.isolation = isolation ?? transaction.isolation
    transaction.isReadOnly = readOnly ?? transaction.isReadOnly
  }

  // MARK: Settings

  func set(_ name: String, _ value: String?, isLocal: Bool, at position: Int) throws {
    hasSet = true
    try Session.change(&settings, name, value, database.options, at: position)
    if !isLocal { try Session.change(&pendingSettings, name, value, database.options, at: position) }
    if block == .none { keepSettings() }
  }

  private static func change(
    _ changed: inout SessionSettings, _ name: String, _ value: String?, _ options: SimulatedPostgresOptions,
    at position: Int
  ) throws {
    switch name {
    case "lock_timeout": changed.lockTimeout = try Session.duration(value, name)
    case "statement_timeout": changed.statementTimeout = try Session.duration(value, name)
    case "idle_in_transaction_session_timeout": changed.idleInTransactionTimeout = try Session.duration(value, name)
    case "deadlock_timeout":
      changed.deadlockTimeout = value == nil ? options.deadlockTimeout : try Session.duration(value, name)
    case "application_name", "client_min_messages": changed.others[name] = value ?? ""
    case "timezone":
      guard value.map({ ["utc", "gmt", "etc/utc"].contains($0.lowercased()) }) ?? true else {
        throw Failure.unsupported("a time zone other than UTC", at: position)
      }
    case "search_path":
      guard value.map({ $0.contains("public") }) ?? true else {
        throw Failure.unsupported("a search_path without public", at: position)
      }
    case "default_transaction_isolation":
      guard let level = IsolationLevel(rawValue: value ?? "read committed") else {
        throw Failure.unsupported("the isolation level \(value ?? "")", at: position)
      }
      changed.defaultIsolation = level
    case "default_transaction_read_only": changed.defaultReadOnly = value == "on" || value == "true"
    case "synchronous_commit", "standard_conforming_strings", "client_encoding", "datestyle", "intervalstyle",
      "extra_float_digits", "row_security", "jit", "plan_cache_mode", "work_mem", "enable_seqscan":
      changed.others[name] = value ?? ""
    default:
      throw Failure.make("42704", "unrecognized configuration parameter \"\(name)\"")
    }
  }

  func show(_ name: String, at position: Int) throws -> String {
    switch name {
    case "lock_timeout": return Session.text(settings.lockTimeout)
    case "statement_timeout": return Session.text(settings.statementTimeout)
    case "idle_in_transaction_session_timeout": return Session.text(settings.idleInTransactionTimeout)
    case "deadlock_timeout": return Session.text(settings.deadlockTimeout)
    case "transaction_isolation": return (transaction?.isolation ?? settings.defaultIsolation).rawValue
    case "default_transaction_isolation": return settings.defaultIsolation.rawValue
    case "transaction_read_only": return transaction?.isReadOnly ?? settings.defaultReadOnly ? "on" : "off"
    case "timezone": return "UTC"
    case "server_version": return "15.0 (simulated)"
    case "server_version_num": return "150000"
    case "max_connections": return String(database.options.maxConnections)
    case "search_path": return "\"$user\", public"
    default:
      guard let value = settings.others[name] else {
        throw Failure.make("42704", "unrecognized configuration parameter \"\(name)\"")
      }
      return value
    }
  }

  /// A time setting: milliseconds, or a number with a unit.
  private static func duration(_ text: String?, _ name: String) throws -> Duration {
    guard let text else { return .zero }
    let body = text.filter { $0 != " " }
    let digits = body.prefix { $0.isNumber || $0 == "." }
    guard let amount = Double(digits), amount >= 0 else {
      throw Failure.make("22023", "invalid value for parameter \"\(name)\": \"\(text)\"")
    }
    let scale: Double
    switch body.dropFirst(digits.count) {
    case "", "ms": scale = 1
    case "us": scale = 0.001
    case "s": scale = 1_000
    case "min": scale = 60_000
    case "h": scale = 3_600_000
    case "d": scale = 86_400_000
    default: throw Failure.make("22023", "invalid value for parameter \"\(name)\": \"\(text)\"")
    }
    return .milliseconds(Int64((amount * scale).rounded()))
  }

  private static func text(_ duration: Duration) -> String {
    let milliseconds = duration.nanosecondsClamped / 1_000_000
    if milliseconds == 0 { return "0" }
    if milliseconds % 3_600_000 == 0 { return "\(milliseconds / 3_600_000)h" }
    if milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000)min" }
    return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms"
  }
}
