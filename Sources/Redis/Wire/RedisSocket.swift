internal import Glibc

/// The one owner of a connection's socket; its `deinit` closes it. It never blocks.
final class RedisSocket: Sendable {
  enum Progress: Equatable {
    /// So many bytes went through.
    case bytes(Int)
    /// The socket is full, or empty.
    case wouldBlock
    /// The other side has closed.
    case ended
    /// The connection is broken: errno.
    case failed(Int32)
  }

  let descriptor: Int32

  /// Begins to connect to a numeric address; it is done when the socket can be written and ``connectError`` is 0.
  ///
  /// - Throws: ``SocketFailure``.
  init(address: String, port: UInt16) throws(SocketFailure) {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address, String(port), &hints, &list) == 0, let list else {
      throw SocketFailure(message: "not an address")
    }
    defer { freeaddrinfo(list) }
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    descriptor = socket(list.pointee.ai_family, kind, 0)
    guard descriptor >= 0 else { throw SocketFailure(errno: errno) }
    // Commands are small and wait for nobody; a peer that vanished is noticed even when nothing is sent.
    RedisSocket.enable(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
    RedisSocket.enable(descriptor, SOL_SOCKET, SO_KEEPALIVE)
    guard connect(descriptor, list.pointee.ai_addr, list.pointee.ai_addrlen) != 0 else { return }
    let code = errno
    // From here on `deinit` runs, and closes, when the initializer throws.
    guard code == EINPROGRESS || code == EINTR else { throw SocketFailure(errno: code) }
  }

  deinit { close(descriptor) }

  private static func enable(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
    var one: Int32 = 1
    _ = setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  /// What connecting came to: 0, or an errno.
  var connectError: Int32 {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return errno }
    return code
  }

  /// Gives the socket what it takes. A peer that is gone raises no SIGPIPE.
  func send(_ bytes: UnsafeRawBufferPointer) -> Progress {
    while true {
      let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .bytes(count) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .failed(errno)
      }
    }
  }

  /// Takes what the socket holds.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Progress {
    while true {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count > 0 { return .bytes(count) }
      if count == 0 { return .ended }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .failed(errno)
      }
    }
  }
}

/// Why a socket is of no use.
struct SocketFailure: Error, Equatable {
  var message: String

  init(message: String) { self.message = message }

  init(errno code: Int32) { message = String(cString: strerror(code)) }
}
