internal import CEpoll
internal import Glibc
internal import Synchronization

/// What an event source is told: its descriptor is ready, or the time it asked for has come.
package protocol ReactorHandler: AnyObject, Sendable {
  /// The descriptor can be read or written, or has failed. Called on the reactor's thread; must not block.
  func reactorDescriptorIsReady(_ reactor: Reactor)
  /// The instant of ``Reactor/setTimer(_:at:)`` has passed. Called on the reactor's thread; must not block.
  func reactorTimerHasFired(_ reactor: Reactor)
}

/// One thread that waits for many descriptors with epoll and calls their handlers.
///
/// It knows nothing of the libraries above it: whatever hands out a descriptor and wants to be told about readiness can
/// share it. Registration is level-triggered and lasting, so that a round trip costs no `epoll_ctl` of its own.
package final class Reactor: Sendable {
  /// Names a registration. Never used again for another one.
  package struct Registration: Sendable, Hashable {
    fileprivate var slot: UInt32
    fileprivate var generation: UInt32
    fileprivate var packed: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
  }

  private struct Slot {
    weak var handler: (any ReactorHandler)?
    var generation: UInt32 = 0
    var timer: Int64 = .max
  }

  private struct Table {
    var slots: [Slot] = []
    var free: [UInt32] = []
    /// The earliest of the timers, or an instant before it.
    var nextTimer: Int64 = .max
    var isStopped = false
  }

  private static let wakeToken = UInt64.max
  private let poller: Int32
  private let wakeup: Int32
  private let table = Mutex(Table())

  /// Starts the reactor's thread.
  ///
  /// It runs until ``shutdown()``; a reactor is made once and lives as long as the program, or the connector that made
  /// it.
  package init() {
    poller = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(poller >= 0 && wakeup >= 0, "no descriptor left for the reactor: errno \(errno)")
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: Reactor.wakeToken))
    let added = epoll_ctl(poller, EPOLL_CTL_ADD, wakeup, &event)
    precondition(added == 0, "the reactor cannot watch its own wake-up: errno \(errno)")
    let started = HelperThread.start { self.loop() }
    precondition(started, "no thread left for the reactor")
  }

  /// Ends the thread after the handler that it may be in. Registrations are forgotten.
  package func shutdown() {
    table.withLock { $0.isStopped = true }
    wake()
  }

  /// Nanoseconds of CLOCK_MONOTONIC: the time line of timers.
  package static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Watches `descriptor` for reading. The handler is held weakly: it takes itself out before it goes.
  package func register(_ descriptor: Int32, handler: any ReactorHandler) -> Registration {
    let registration = table.withLock { table in
      let slot: UInt32
      if let free = table.free.popLast() {
        slot = free
      } else {
        slot = UInt32(table.slots.count)
        table.slots.append(Slot())
      }
      table.slots[Int(slot)].handler = handler
      return Registration(slot: slot, generation: table.slots[Int(slot)].generation)
    }
    control(EPOLL_CTL_ADD, descriptor, registration, writing: false)
    return registration
  }

  /// Watches for writing too, or no longer.
  package func watch(_ registration: Registration, _ descriptor: Int32, writing: Bool) {
    control(EPOLL_CTL_MOD, descriptor, registration, writing: writing)
  }

  /// Takes the registration out. A handler that is being called may still be in its call.
  package func deregister(_ registration: Registration, _ descriptor: Int32) {
    let isCurrent = table.withLock { table in
      let slot = Int(registration.slot)
      guard table.slots[slot].generation == registration.generation else { return false }
      table.slots[slot].generation &+= 1
      table.slots[slot].handler = nil
      table.slots[slot].timer = .max
      table.free.append(registration.slot)
      return true
    }
    if isCurrent { epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, nil) }
  }

  /// Asks for one call at `instant` (of ``now``); replaces what was asked for before. `Int64.max` takes it back.
  package func setTimer(_ registration: Registration, at instant: Int64) {
    let mustWake = table.withLock { table in
      let slot = Int(registration.slot)
      guard table.slots[slot].generation == registration.generation else { return false }
      table.slots[slot].timer = instant
      guard instant < table.nextTimer else { return false }
      table.nextTimer = instant
      return true
    }
    if mustWake { wake() }
  }

  private func control(_ operation: Int32, _ descriptor: Int32, _ registration: Registration, writing: Bool) {
    let interest = EPOLLIN.rawValue | (writing ? EPOLLOUT.rawValue : 0)
    var event = epoll_event(events: interest, data: epoll_data_t(u64: registration.packed))
    let code = epoll_ctl(poller, operation, descriptor, &event)
    precondition(code == 0, "epoll_ctl \(operation) of descriptor \(descriptor) failed: errno \(errno)")
  }

  private func wake() {
    var one: UInt64 = 1
    _ = write(wakeup, &one, 8)
  }

  // MARK: - The thread

  private func loop() {
    let capacity = 64
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer {
      events.deallocate()
      close(poller)
      close(wakeup)
    }
    while let timeout = nextTimeout() {
      let count = epoll_wait(poller, events, Int32(capacity), timeout)
      for index in 0..<max(0, Int(count)) {
        let token = events[index].data.u64
        if token == Reactor.wakeToken {
          var ignored: UInt64 = 0
          _ = read(wakeup, &ignored, 8)
        } else if let handler = handler(of: token) {
          handler.reactorDescriptorIsReady(self)
        }
      }
      for handler in dueTimers() { handler.reactorTimerHasFired(self) }
    }
  }

  private func handler(of token: UInt64) -> (any ReactorHandler)? {
    table.withLock { table in
      let slot = Int(token & 0xffff_ffff)
      guard slot < table.slots.count, table.slots[slot].generation == UInt32(token >> 32) else { return nil }
      return table.slots[slot].handler
    }
  }

  /// Milliseconds until the next timer, -1 for none; `nil` once the reactor is stopped.
  private func nextTimeout() -> Int32? {
    table.withLock { table in
      if table.isStopped { return nil }
      if table.nextTimer == .max { return -1 }
      let left = table.nextTimer - Reactor.now
      // Rounded up, so that the wait never ends just before the timer and spins.
      return left <= 0 ? 0 : Int32(clamping: (left + 999_999) / 1_000_000)
    }
  }

  private func dueTimers() -> [any ReactorHandler] {
    table.withLock { table in
      guard table.nextTimer != .max else { return [] }
      let now = Reactor.now
      guard table.nextTimer <= now else { return [] }
      var due: [any ReactorHandler] = []
      var next = Int64.max
      for index in table.slots.indices {
        let timer = table.slots[index].timer
        if timer <= now {
          table.slots[index].timer = .max
          if let handler = table.slots[index].handler { due.append(handler) }
        } else {
          next = min(next, timer)
        }
      }
      table.nextTimer = next
      return due
    }
  }
}
