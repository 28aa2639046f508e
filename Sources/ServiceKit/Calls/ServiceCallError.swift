package import Seams

/// Why a call to another service brought no answer of the domain.
///
/// A refusal (404, 409 out of stock, 402 declined) is a result of its call and never one of these.
package struct ServiceCallError: Error, Sendable, CustomStringConvertible {
  /// What happened. Open for growth.
  package struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code's name: `circuit_open`.
    package let description: String

    private init(_ description: String) { self.description = description }

    /// No connection could be opened: nothing was sent.
    package static let connectFailed = Code("connect_failed")
    /// The connection broke before the answer was complete.
    package static let connectionLost = Code("connection_lost")
    /// No answer came in the time of an attempt or of the whole call.
    package static let deadlineExceeded = Code("deadline_exceeded")
    /// What came is no answer that the contract allows: no JSON, another media type, a member that is missing or wrong.
    package static let malformedAnswer = Code("malformed_answer")
    /// 503: the service cannot answer now.
    package static let unavailable = Code("unavailable")
    /// Any other status of the 5xx class.
    package static let serverFailed = Code("server_failed")
    /// 429: too many requests; nothing was done.
    package static let rateLimited = Code("rate_limited")
    /// Too many calls to this endpoint failed of late: nothing was sent.
    package static let circuitOpen = Code("circuit_open")
    /// The service does not take the request as it is: 400, 401, 403, or a status that the contract does not know here.
    package static let rejected = Code("rejected")
  }

  /// What happened, in the last attempt.
  package var code: Code
  /// What a person needs to know: the call, the circumstance, what the service said.
  package var message: String
  /// The status of the answer, where there was one.
  package var status: Int?
  /// How long to wait before the call is made again, where the service or the circuit breaker says so.
  package var retryAfter: Duration?
  /// How many requests were sent, or tried to be.
  package var attempts: Int
  /// Whether one of the attempts, not only the last one, may have taken effect.
  package var mayHaveTakenEffect: Bool
  /// The error below this one.
  package var cause: (any Error)?

  /// An error of `code` in one attempt.
  ///
  /// - Parameter mayHaveTakenEffect: `nil` for what `code` implies.
  package init(
    _ code: Code, _ message: String, status: Int? = nil, retryAfter: Duration? = nil, attempts: Int = 1,
    mayHaveTakenEffect: Bool? = nil, cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.status = status
    self.retryAfter = retryAfter
    self.attempts = attempts
    self.mayHaveTakenEffect = mayHaveTakenEffect ?? Self.impliesEffect(code)
    self.cause = cause
  }

  /// What the caller may do: `ambiguous` when any attempt may have taken effect, which an idempotent call answers by
  /// being made again; `permanent` when the service does not take the request as it is.
  package var disposition: FailureDisposition {
    if mayHaveTakenEffect { return .ambiguous }
    return code == .rejected ? .permanent : .retryable
  }

  private static func impliesEffect(_ code: Code) -> Bool {
    switch code {
    case .connectFailed, .rateLimited, .circuitOpen, .rejected: false
    default: true
    }
  }

  /// The code, the message and the cause, in one line.
  package var description: String {
    "\(code): \(message)" + (cause.map { " (\($0))" } ?? "")
  }
}
