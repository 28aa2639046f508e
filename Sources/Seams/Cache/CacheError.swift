/// Why a command, or an attempt to connect, failed.
public struct CacheError: Error, Sendable, CustomStringConvertible {
  /// What happened. Open for growth; errors of Redis keep their first word in ``CacheError/prefix``.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code's name: `connection_lost`.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The server answered with an error: see ``CacheError/prefix``.
    public static let server = Code("server_error")
    /// The URL is wrong.
    public static let misconfigured = Code("misconfigured")
    /// No connection could be opened: nothing was sent.
    public static let connectFailed = Code("connect_failed")
    /// The connection broke while the command was under way.
    public static let connectionLost = Code("connection_lost")
    /// The deadline passed. The connection takes no more commands.
    public static let deadlineExceeded = Code("deadline_exceeded")
    /// The connection was closed before the call: nothing was sent.
    public static let connectionClosed = Code("connection_closed")
    /// A pool had no connection before the deadline, or is shut down: nothing was sent.
    public static let poolExhausted = Code("pool_exhausted")
    /// The command is not one that may be sent here: nothing was sent.
    public static let refused = Code("refused")
    /// The server answered with a value of another kind.
    public static let unexpectedReply = Code("unexpected_reply")
    /// What came was no answer in the protocol.
    public static let protocolViolated = Code("protocol_violated")
  }

  /// What happened.
  public var code: Code
  /// The first word of the server's error, where it answered with one: `ERR`, `WRONGTYPE`, `NOSCRIPT`, `READONLY`,
  /// `LOADING`.
  public var prefix: String?
  /// The server's whole text, the prefix included, or ours.
  public var message: String
  /// Among several commands, which one failed, counted from 0.
  public var commandIndex: Int?
  /// Whether a command that writes was sent and not answered.
  public var mayHaveTakenEffect: Bool
  /// The error below this one.
  public var cause: (any Error)?

  /// An error of `code`.
  public init(
    _ code: Code, message: String, mayHaveTakenEffect: Bool = false, cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.mayHaveTakenEffect = mayHaveTakenEffect
    self.cause = cause
  }

  /// The server's answer `text`, which begins with its prefix.
  public init(server text: String) {
    self.init(.server, message: text)
    let word = text.prefix { $0 != " " }
    let isPrefix = !word.isEmpty && word.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) }
    prefix = isPrefix ? String(word) : nil
  }

  /// Whether the same command may be sent again.
  public var disposition: FailureDisposition {
    if mayHaveTakenEffect { return .ambiguous }
    switch code {
    case .connectFailed where prefix != nil, .server:
      return isRetryablePrefix ? .retryable : .permanent
    case .misconfigured, .refused, .unexpectedReply: return .permanent
    default: return .retryable
    }
  }

  /// Whether the server says that it, or another, will do this later: it loads its data, runs a long script, has lost
  /// its primary or too many replicas, has become a replica itself, or has no memory until keys are evicted.
  private var isRetryablePrefix: Bool {
    switch prefix {
    case "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS", "READONLY", "NOSCRIPT", "OOM": true
    default: false
    }
  }

  /// Whether the server cannot be what it should be: one that took writes has become a replica or lost its primary.
  /// Another connection may lead to the right one.
  public var isWrongServer: Bool { prefix == "READONLY" || prefix == "MASTERDOWN" }

  /// The code and the message, in one line.
  public var description: String {
    var text = "\(code): \(message)"
    if let commandIndex { text += ": command \(commandIndex)" }
    if let cause { text += ": (\(cause))" }
    return text
  }
}
