/// Why an operation of the broker failed.
public struct BrokerError: Error, Sendable, CustomStringConvertible {
  /// What happened. Open for growth; the broker's own errors keep their AMQP code in ``BrokerError/replyCode``.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code's name: `connection_lost`.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The broker refused, and closed the channel or the connection: see ``BrokerError/replyCode``.
    public static let refused = Code("refused")
    /// No connection could be opened: nothing was sent.
    public static let connectFailed = Code("connect_failed")
    /// The connection broke while the operation was under way.
    public static let connectionLost = Code("connection_lost")
    /// The connection or channel was closed before the call: nothing was sent.
    public static let closed = Code("closed")
    /// The deadline passed.
    public static let deadlineExceeded = Code("deadline_exceeded")
    /// The broker ended the consumer, because its queue is gone.
    public static let consumerEnded = Code("consumer_ended")
    /// The call itself is wrong, such as a name that is too long: nothing was sent.
    public static let invalidArgument = Code("invalid_argument")
  }

  /// What a declaration wants and what is there: the broker names the first difference that it finds.
  public struct Inequivalence: Sendable, Hashable {
    /// What was declared, as the broker names it: `queue 'orders' in vhost '/'`.
    public var subject: String
    /// The property or argument that differs.
    public var argument: String
    /// What the declaration says.
    public var received: String
    /// What the broker has.
    public var current: String
    /// Everything the declaration asked for.
    public var declared: String
  }

  /// What happened.
  public var code: Code
  /// The broker's code, where it answered with one (AMQP 0-9-1, 1.9; RabbitMQ's errata).
  public var replyCode: BrokerReplyCode?
  /// The broker's text, or ours.
  public var message: String
  /// Of a 406 on a declaration: both sides' values, as far as the broker tells.
  public var inequivalence: Inequivalence?
  /// Whether the operation may have taken effect although it failed.
  public var mayHaveTakenEffect: Bool
  /// The error below this one.
  public var cause: (any Error)?

  /// An error of `code`.
  public init(
    _ code: Code, replyCode: BrokerReplyCode? = nil, message: String, mayHaveTakenEffect: Bool = false,
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.replyCode = replyCode
    self.message = message
    self.mayHaveTakenEffect = mayHaveTakenEffect
    self.cause = cause
  }

  /// Whether the operation may be done again.
  public var disposition: FailureDisposition {
    if mayHaveTakenEffect { return .ambiguous }
    if code == .invalidArgument { return .permanent }
    guard let replyCode else { return .retryable }
    return replyCode.isRetryable ? .retryable : .permanent
  }

  /// The code, the reply code and the message, in one line.
  public var description: String {
    var parts = ["\(code)"]
    if let replyCode { parts[0] += " \(replyCode.number)" }
    parts.append(message)
    if let inequivalence {
      parts.append(
        "\(inequivalence.argument) is \(inequivalence.current) there, \(inequivalence.received) here, declared as "
          + inequivalence.declared)
    }
    if let cause { parts.append("(\(cause))") }
    return parts.joined(separator: ": ")
  }
}

/// A number with which a broker says why (AMQP 0-9-1, 1.9).
public struct BrokerReplyCode: Sendable, Hashable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// The number.
  public var number: Int

  /// The code `number`.
  public init(_ number: Int) { self.number = number }

  /// The reply code that is written.
  public init(integerLiteral value: Int) { self.init(value) }

  /// The number, in digits.
  public var description: String { String(number) }

  /// Whether the same operation may succeed later: the broker stops, lacks resources, failed by itself, or another
  /// connection holds an exclusive queue.
  public var isRetryable: Bool {
    switch self {
    case .connectionForced, .resourceLocked, .internalError, .resourceError: true
    default: false
    }
  }

  /// 311 CONTENT_TOO_LARGE.
  public static let contentTooLarge: BrokerReplyCode = 311
  /// 312 NO_ROUTE: a mandatory message went to no queue.
  public static let noRoute: BrokerReplyCode = 312
  /// 320 CONNECTION_FORCED: an operator or a shutdown closed the connection.
  public static let connectionForced: BrokerReplyCode = 320
  /// 403 ACCESS_REFUSED.
  public static let accessRefused: BrokerReplyCode = 403
  /// 404 NOT_FOUND: an exchange or queue is not there.
  public static let notFound: BrokerReplyCode = 404
  /// 405 RESOURCE_LOCKED: another connection has the queue for itself.
  public static let resourceLocked: BrokerReplyCode = 405
  /// 406 PRECONDITION_FAILED: declared otherwise, in use, or an unknown delivery tag.
  public static let preconditionFailed: BrokerReplyCode = 406
  /// 506 RESOURCE_ERROR.
  public static let resourceError: BrokerReplyCode = 506
  /// 530 NOT_ALLOWED.
  public static let notAllowed: BrokerReplyCode = 530
  /// 541 INTERNAL_ERROR.
  public static let internalError: BrokerReplyCode = 541
}

extension BrokerError.Inequivalence {
  /// Reads RabbitMQ's text, `PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false'
  /// but current is 'true'`; `nil` when it is another.
  ///
  /// - Parameter declared: everything that the declaration asked for.
  public init?(text: String, declared: String) {
    guard let start = text.firstRange(of: "inequivalent arg '"),
      let name = text[start.upperBound...].firstRange(of: "' for "),
      let received = text[name.upperBound...].firstRange(of: ": received "),
      let current = text[received.upperBound...].firstRange(of: " but current is ")
    else { return nil }
    subject = String(text[name.upperBound..<received.lowerBound])
    argument = String(text[start.upperBound..<name.lowerBound])
    self.received = String(text[received.upperBound..<current.lowerBound])
    self.current = String(text[current.upperBound...])
    self.declared = declared
  }
}
