internal import Reactor
internal import Seams

/// Gives a new session the settings that decoding relies on, before anything else runs in it. Blocks the helper thread,
/// not past the limit.
struct SessionSetup {
  let link: LibPQConnection
  let alarm: AlarmDescriptor
  let limit: Int64
  /// What the connector's user wants beside the driver's own, by name.
  let settings: [String: String]

  /// A role or a database may have other defaults; the text forms must be those that ``ValueDecoder`` reads.
  private static let own = """
    SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; \
    SET extra_float_digits = 1; SET standard_conforming_strings = on
    """

  func run() -> Result<Void, ConnectFailure> {
    if case .failure(let failure) = query(SessionSetup.own) { return .failure(failure) }
    // So that a statement whose connection was closed under it ends on the server too. PostgreSQL 14 has the setting;
    // it refuses it on systems that cannot tell.
    if link.serverVersion >= 140_000, case .failure(let failure) = query("SET client_connection_check_interval = '1s'"),
      failure.sqlState == nil
    {
      return .failure(failure)
    }
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
      if case .failure(let failure) = query("SET \(quoted(name, "\"")) = \(quoted(value, "'"))") {
        return .failure(failure)
      }
    }
    return .success(())
  }

  private func quoted(_ text: String, _ mark: String) -> String {
    mark + text.replacing(mark, with: mark + mark) + mark
  }

  private func query(_ text: String) -> Result<Void, ConnectFailure> {
    guard link.sendQuery(text) else { return broken() }
    var isSending = true
    while isSending || link.isBusy {
      if isSending {
        switch link.flush() {
        case .done: isSending = false
        case .pending: break
        case .failed: return broken()
        }
      }
      switch alarm.wait(for: link.socket, writing: isSending, until: limit) {
      case .ready: if !isSending, !link.consumeInput() { return broken() }
      case .timedOut: return .failure(ConnectFailure(message: "no answer in time"))
      case .rung: return .failure(ConnectFailure(message: "given up"))
      }
      while !isSending, !link.isBusy {
        guard let result = link.nextResult() else { return .success(()) }
        if result.kind == .failure { return failed(result) }
      }
    }
    return .success(())
  }

  /// Takes the rest of the answer, so that the connection is free, and reports the error.
  private func failed(_ result: LibPQResult) -> Result<Void, ConnectFailure> {
    let error = result.error
    repeat {
      while link.isBusy {
        guard alarm.wait(for: link.socket, writing: false, until: limit) == .ready, link.consumeInput() else {
          return broken()
        }
      }
    } while link.nextResult() != nil
    return .failure(ConnectFailure(message: error.message, sqlState: error.sqlState))
  }

  private func broken() -> Result<Void, ConnectFailure> { .failure(ConnectFailure(message: link.errorMessage)) }
}
