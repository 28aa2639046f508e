import ArgumentParser
import Seams
import ServiceKit

/// How the process ends when a command fails: the codes of sysexits.h.
enum Exit {
  /// EX_UNAVAILABLE: the database cannot be reached.
  static let unavailable = ExitCode(69)
  /// EX_CONFIG: a setting is wrong, or the database is not as the service needs it.
  static let configuration = ExitCode(78)

  /// Runs a command; says on standard error why it failed and ends the process with the code for that.
  static func explaining(_ command: () async throws -> Void) async throws {
    do {
      try await command()
    } catch let error as ConfigurationError {
      throw explained(error.description, configuration)
    } catch let error as WrongURL {
      throw explained(error.description, configuration)
    } catch let error as MissingMigrations {
      throw explained(error.description, configuration)
    } catch let error as ShutdownTimedOut {
      throw explained(error.description, ExitCode.failure)
    } catch let error as MigrationError {
      throw explained(error.description, isUnreachable(error.cause) ? unavailable : ExitCode.failure)
    } catch let error as SQLError {
      throw explained(error.description, isUnreachable(error) ? unavailable : ExitCode.failure)
    }
  }

  private static func isUnreachable(_ error: (any Error)?) -> Bool {
    guard let error = error as? SQLError else { return false }
    return error.code == .connectFailed || isUnreachable(error.cause)
  }

  private static func explained(_ message: String, _ code: ExitCode) -> ExitCode {
    StandardError.write("zocod: \(message)\n")
    return code
  }
}

/// The service stopped before all that was under way had been answered.
struct ShutdownTimedOut: Error, CustomStringConvertible {
  let limit: Duration

  var description: String {
    "requests were given up that were still under way \(limit) after the signal to stop (SHUTDOWN_TIMEOUT)"
  }
}

/// The database lacks migrations that the service needs.
struct MissingMigrations: Error, CustomStringConvertible {
  let service: DatabaseService
  let names: [String]

  var description: String {
    let option = service == .inventory ? "" : " --service \(service.rawValue)"
    return "run `zocod migrate up\(option)` first: the database lacks \(names.joined(separator: ", "))"
  }
}

/// A driver does not understand its URL.
struct WrongURL: Error, CustomStringConvertible {
  let variable: String
  let cause: any Error

  var description: String { "the configuration is wrong:\n  \(variable): \(cause)" }
}
