/// The client's side of the HTTP seam. Live: AsyncHTTPClient. Simulated: the message network.
public protocol HTTPTransport: Sendable {
  /// Sends a request to the peer that its `authority` names and waits for the response's head.
  ///
  /// A response of any status is a result; only a request that got no valid response throws.
  ///
  /// - Parameter deadline: when to give up, on the transport's own clock; covers connecting too.
  /// - Throws: ``HTTPTransportError``; `CancellationError` when the task is cancelled.
  func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage
}

/// The server's side of the HTTP seam: what answers a request. It never throws: every failure is a response.
public protocol HTTPHandler: Sendable {
  /// Answers `request`.
  ///
  /// - Parameter peer: who sent it, as the connection says (not as a header claims).
  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage

  /// Answers bytes that are no request that could be handled. The connection closes behind the answer.
  ///
  /// Without an implementation of its own a handler answers with a problem document that only says what is wrong.
  func answer(toUnreadable request: UnreadableHTTPRequest, from peer: HTTPPeer) async -> HTTPResponseMessage
}

/// The other end of a connection.
public struct HTTPPeer: Sendable, Hashable {
  /// An IP address (live) or a host's name (simulated).
  public var address: String

  /// A peer at `address`.
  public init(address: String) {
    self.address = address
  }
}

/// Why a request got no valid response.
public struct HTTPTransportError: Error, Sendable, CustomStringConvertible {
  /// What happened. Open for growth.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code's name: `connection_reset`.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// Nobody listens at the address, or it has no address: the server did nothing.
    public static let connectionRefused = Code("connection_refused")
    /// No connection within the connect time-out: the server did nothing.
    public static let connectTimeout = Code("connect_timeout")
    /// The connection broke after the request was sent: whether the server acted is unknown.
    public static let connectionReset = Code("connection_reset")
    /// The deadline passed before a response came: whether the server acted is unknown.
    public static let deadlineExceeded = Code("deadline_exceeded")
    /// What came back is not HTTP, or ended before its declared length: the server probably acted.
    public static let malformedResponse = Code("malformed_response")
  }

  /// What happened.
  public var code: Code
  /// What a person needs to know: the peer and the circumstance.
  public var message: String
  /// The error below this one.
  public var cause: (any Error)?

  /// An error of `code`.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// Whether the request may be sent again, as far as the transport can tell.
  public var disposition: FailureDisposition {
    switch code {
    case .connectionRefused, .connectTimeout: .retryable
    default: .ambiguous
    }
  }

  /// The code, the message and the cause, in one line.
  public var description: String {
    "\(code): \(message)" + (cause.map { " (\($0))" } ?? "")
  }
}
