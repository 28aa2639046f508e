internal import CRabbitMQ
internal import Glibc

/// Starts the thread on which one connection lives: librabbitmq's calls block, and none of them may hold a thread of the
/// cooperative pool.
enum ConnectionThread {
  /// OpenSSL and getaddrinfo are the deepest users.
  private static let stackSize = 512 * 1024

  private final class Body {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Nanoseconds on the system's monotonic clock: the time line of the thread's deadlines.
  static var now: Int64 { zoco_monotonic_nanoseconds() }

  /// Starts a detached thread that runs `body` and ends.
  ///
  /// - Returns: whether the system had a thread to give; `body` does not run otherwise.
  static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    let argument = Unmanaged.passRetained(Body(body))
    let code = zoco_thread_start(
      { raw in
        if let raw { Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run() }
        return nil
      }, argument.toOpaque(), stackSize)
    guard code == 0 else {
      argument.release()
      return false
    }
    return true
  }
}

/// A descriptor that the thread waits on together with its socket, and that others ring.
final class WakeDescriptor: Sendable {
  private let descriptor: Int32

  init() {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(descriptor >= 0, "no descriptor left: errno \(errno)")
  }

  deinit { close(descriptor) }

  func ring() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Blocks until `socket` can be read (or with `writing` written), the bell rings, or `limit` on the thread's time line
  /// has come.
  ///
  /// - Returns: whether the socket can be written.
  @discardableResult
  func wait(for socket: Int32, writing: Bool, until limit: Int64) -> Bool {
    var entries = [
      pollfd(fd: socket, events: Int16(writing ? POLLIN | POLLOUT : POLLIN), revents: 0),
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
    ]
    let left = max(0, limit - ConnectionThread.now)
    _ = poll(&entries, 2, Int32(clamping: (left + 999_999) / 1_000_000))
    if entries[1].revents != 0 {
      var rings: UInt64 = 0
      _ = read(descriptor, &rings, 8)
    }
    return entries[0].revents & Int16(POLLOUT) != 0
  }
}
