internal import FoundationEssentials
internal import HTTPTypes
internal import Logging
package import Seams

extension ServiceHandler {
  /// What a caller may know of `error`. What it may not know goes to the log.
  func problem(for error: any Error, _ head: HTTPRequest, _ correlationId: UUID) -> Problem {
    switch error {
    case let problem as Problem:
      return problem
    case let error as SQLError:
      let problem = Problem(databaseFailure: error)
      log(error, problem.code == "internal" ? .error : .warning, head, correlationId)
      return problem
    case let error as BrokerError:
      log(error, .warning, head, correlationId)
      return Problem(brokerFailure: error)
    case is DeadlineExceeded:
      return .upstreamTimeout()
    case is CancellationError:
      return .overloaded("The request was cancelled before it was answered. Send the same request again.")
    default:
      log(error, .error, head, correlationId)
      return .internalError
    }
  }

  private func log(_ error: any Error, _ level: Logger.Level, _ head: HTTPRequest, _ correlationId: UUID) {
    environment.logger.log(
      level: level, "request failed",
      metadata: [
        "method": .string(head.method.rawValue), "path": .string(excerpt(head.path ?? "")),
        "correlationId": .string(correlationId.canonicalText), "error": .string("\(error)"),
      ])
  }
}

extension Problem {
  /// 503 or 504 for a database that does not answer, `internal` for one that refused what we sent.
  package init(databaseFailure error: SQLError) {
    if error.commitMayHaveTakenEffect {
      self = .upstreamUnavailable(
        "The database's answer was lost: the change may have taken effect. Send the same request again.")
      return
    }
    switch error.code {
    case .deadlineExceeded:
      self = .upstreamTimeout()
    case .poolExhausted where error.cause == nil:
      self = .overloaded("All connections to the database are in use. Send the same request again later.")
    case .server where error.sqlState == .queryCanceled:
      self = .upstreamTimeout()
    case .server where error.sqlState?.isRetryable != true:
      self = .internalError
    default:
      self = .upstreamUnavailable("The database does not answer. Send the same request again later.")
    }
  }

  /// 503 for a broker that takes nothing.
  package init(brokerFailure error: BrokerError) {
    self = .upstreamUnavailable("The message broker does not take the message: \(error.message). Try again later.")
  }

  /// 408: the body did not arrive within the request's deadline.
  static let requestTimeout = Problem(
    status: .requestTimeout, code: "request_timeout", title: "The request took too long to arrive",
    detail: "The body did not arrive before the deadline.", headers: [.connection: "close"])
}
