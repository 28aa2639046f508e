/// What a ``LiveHTTPServer`` listens on and how much it accepts.
public struct LiveHTTPServerConfiguration: Sendable {
  /// The address or name to bind.
  public var host: String
  /// The port to bind; 0 lets the system choose.
  public var port: Int
  /// Connections that may wait to be accepted.
  public var backlog = 1024
  /// After this long without a byte a connection that has no request under way, or whose request does not come to
  /// its end, is closed.
  public var idleTimeout = Duration.seconds(60)
  /// The most bytes in one header field; more is answered with 431.
  public var maximumHeaderFieldSize = 16 * 1024
  /// The most bytes in all header fields of a request; more is answered with 431.
  public var maximumHeaderSize = 32 * 1024
  /// The most header fields in a request; more is answered with 431.
  public var maximumHeaderFieldCount = 128
  /// A body of at most this declared length is read before the handler is called; a longer or chunked one reaches the
  /// handler as a stream.
  public var wholeBodyLimit = 64 * 1024
  /// How long a connection that the server closes with unread input goes on reading, so that the peer can read the
  /// answer before its own writing fails (RFC 9112 §9.6).
  public var lingerTimeout = Duration.seconds(2)

  /// A configuration with the defaults of its members.
  public init(host: String = "127.0.0.1", port: Int = 0) {
    self.host = host
    self.port = port
  }
}
