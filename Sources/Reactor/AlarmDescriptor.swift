internal import CEpoll
internal import Glibc

/// A descriptor that one thread waits on together with a socket, and another rings to end the wait.
package final class AlarmDescriptor: Sendable {
  /// What ended a wait.
  package enum Wait: Sendable { case ready, timedOut, rung }

  /// What epoll and poll see.
  package let descriptor: Int32

  package init() {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(descriptor >= 0, "no descriptor left: errno \(errno)")
  }

  deinit { close(descriptor) }

  /// Ends the current wait and every later one.
  package func ring() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Blocks the thread until `socket` is ready, the alarm is rung, or `limit` (of `Reactor.now`) has come.
  package func wait(for socket: Int32, writing: Bool, until limit: Int64) -> Wait {
    while true {
      var entries = [
        pollfd(fd: socket, events: Int16(writing ? POLLOUT : POLLIN), revents: 0),
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      ]
      var timeout: Int32 = -1
      if limit != .max {
        let left = limit - Reactor.now
        if left <= 0 { return .timedOut }
        timeout = Int32(clamping: (left + 999_999) / 1_000_000)
      }
      let count = poll(&entries, 2, timeout)
      if count < 0, errno == EINTR { continue }
      if entries[1].revents != 0 { return .rung }
      if count != 0 { return .ready }
    }
  }
}
