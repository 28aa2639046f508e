internal import CRabbitMQ
internal import Glibc
internal import NIOCore
internal import Seams

/// The one owner of an `amqp_connection_state_t`. Its `deinit` closes the connection; the pointer never leaves this
/// type.
///
/// Not safe for use by two threads, and its calls block: only the connection's own thread has it.
final class AMQPLink {
  /// What the next look at the socket brought.
  enum Input {
    case frame(channel: UInt16, AMQPFrame)
    /// Nothing has arrived.
    case none
    case failed(String)
  }

  private let state: amqp_connection_state_t
  private var isLoggedIn = false
  /// How far from full librabbitmq's frames may be.
  private(set) var channelLimit: UInt16 = 0

  init?() {
    guard let state = amqp_new_connection() else { return nil }
    self.state = state
  }

  deinit { amqp_destroy_connection(state) }

  var socket: Int32 { amqp_get_sockfd(state) }

  // MARK: - Connecting

  /// Connects and signs in. Blocks for no longer than `seconds`, beyond what resolving the name takes.
  func connect(
    to host: RabbitMQConfiguration.Host, _ configuration: RabbitMQConfiguration, within limit: Int64
  ) -> BrokerError? {
    var timeout = timeval(
      tv_sec: Int(limit / 1_000_000_000), tv_usec: Int(limit % 1_000_000_000 / 1000))
    amqp_set_handshake_timeout(state, &timeout)
    amqp_set_rpc_timeout(state, &timeout)
    let socket: OpaquePointer?
    if let tls = configuration.tls {
      socket = amqp_ssl_socket_new(state)
      if let socket, let problem = AMQPLink.prepare(socket, tls) {
        return BrokerError(.connectFailed, message: "\(host): \(problem)")
      }
    } else {
      socket = amqp_tcp_socket_new(state)
    }
    guard let socket else { return BrokerError(.connectFailed, message: "\(host): no socket could be made") }
    let status = amqp_socket_open_noblock(socket, host.name, host.port, &timeout)
    guard status == AMQPStatus.ok else {
      return BrokerError(.connectFailed, message: "\(host): \(AMQPStatus.text(status))")
    }
    return logIn(host, configuration)
  }

  private static func prepare(_ socket: OpaquePointer, _ tls: RabbitMQConfiguration.TLS) -> String? {
    amqp_ssl_socket_set_verify_peer(socket, tls.verifies ? 1 : 0)
    amqp_ssl_socket_set_verify_hostname(socket, tls.verifies ? 1 : 0)
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
    // librabbitmq 0.11 has no call for OpenSSL's default places.
    let authorities = tls.authorities ?? "/etc/ssl/certs/ca-certificates.crt"
    if tls.verifies, amqp_ssl_socket_set_cacert(socket, authorities) != AMQPStatus.ok {
      return "the certificate authorities in \(authorities) cannot be read"
    }
    if let certificate = tls.certificate, let key = tls.key,
      amqp_ssl_socket_set_key(socket, certificate, key) != AMQPStatus.ok
    {
      return "the certificate in \(certificate) or its key in \(key) cannot be read"
    }
    return nil
  }

  private func logIn(_ host: RabbitMQConfiguration.Host, _ configuration: RabbitMQConfiguration) -> BrokerError? {
    var arena = AMQPArena()
    defer { arena.free() }
    // What librabbitmq itself can do is merged in.
    let properties: BrokerTable = [
      "product": "zoco",
      "capabilities": .table([
        "basic.nack": true, "connection.blocked": true, "consumer_cancel_notify": true, "publisher_confirms": true,
      ]),
    ]
    var table = arena.table(properties)
    let seconds = Int32(clamping: configuration.heartbeat.components.seconds)
    let reply = zoco_amqp_login(
      state, configuration.virtualHost, 2047, 131_072, seconds, &table, configuration.user, configuration.password)
    switch reply.reply_type {
    case AMQP_RESPONSE_NORMAL:
      isLoggedIn = true
      channelLimit = UInt16(clamping: amqp_get_channel_max(state))
      return nil
    case AMQP_RESPONSE_SERVER_EXCEPTION where reply.reply.id == AMQPMethodNumber.connectionClose:
      let close = reply.reply.decoded?.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
      let code = BrokerReplyCode(Int(close?.reply_code ?? 0))
      let text = close.map { AMQPDecoding.text($0.reply_text) } ?? ""
      return BrokerError(.connectFailed, replyCode: code, message: "\(host): \(text)")
    default:
      return BrokerError(.connectFailed, message: "\(host): \(AMQPStatus.text(reply.library_error))")
    }
  }

  // MARK: - Receiving

  /// Whether frames wait that a look at the socket would not show.
  var hasInput: Bool { amqp_frames_enqueued(state) != 0 || amqp_data_in_buffer(state) != 0 }

  /// The next frame that has arrived. Never waits; sends a heartbeat when one is due and notices missing ones.
  func nextFrame() -> Input {
    var frame = amqp_frame_t()
    var now = timeval(tv_sec: 0, tv_usec: 0)
    let status = amqp_simple_wait_frame_noblock(state, &frame, &now)
    switch status {
    case AMQPStatus.ok:
      let channel = frame.channel
      let decoded = AMQPFrame(frame)
      amqp_maybe_release_buffers_on_channel(state, channel)
      return .frame(channel: channel, decoded)
    case AMQPStatus.timeout: return .none
    default: return .failed(AMQPStatus.text(status))
    }
  }

  // MARK: - Sending: each answers why it failed, `nil` when it did not

  func send<Arguments: BitwiseCopyable>(_ number: UInt32, _ arguments: Arguments, on channel: UInt16) -> String? {
    var arguments = arguments
    return AMQPStatus.problem(amqp_send_method(state, channel, number, &arguments))
  }

  func publish(_ publication: BrokerPublication, on channel: UInt16) -> String? {
    var arena = AMQPArena()
    defer { arena.free() }
    var properties = arena.properties(of: publication.message)
    let exchange = arena.bytes(publication.exchange)
    let key = arena.bytes(publication.routingKey)
    return publication.message.body.withUnsafeReadableBytes { body in
      // librabbitmq only reads the body; its type lacks the const.
      let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
      return AMQPStatus.problem(
        amqp_basic_publish(
          state, channel, exchange, key, publication.isMandatory ? 1 : 0, 0, &properties, bytes))
    }
  }

  func acknowledge(_ tag: UInt64, multiple: Bool, on channel: UInt16) -> String? {
    AMQPStatus.problem(amqp_basic_ack(state, channel, tag, multiple ? 1 : 0))
  }

  func reject(_ tag: UInt64, multiple: Bool, requeue: Bool, on channel: UInt16) -> String? {
    AMQPStatus.problem(amqp_basic_nack(state, channel, tag, multiple ? 1 : 0, requeue ? 1 : 0))
  }

  /// Says good-bye, without waiting for the answer.
  func sendClose() {
    guard isLoggedIn else { return }
    var arena = AMQPArena()
    defer { arena.free() }
    var close = amqp_connection_close_t()
    close.reply_code = 200
    close.reply_text = arena.bytes("OK")
    _ = amqp_send_method(state, 0, AMQPMethodNumber.connectionClose, &close)
  }
}

/// librabbitmq's own codes.
enum AMQPStatus {
  static let ok: Int32 = 0
  static let timeout: Int32 = -0x000D

  static func text(_ status: Int32) -> String {
    amqp_error_string2(status).map { String(cString: $0) } ?? "librabbitmq's error \(status)"
  }

  static func problem(_ status: Int32) -> String? { status == ok ? nil : text(status) }
}
