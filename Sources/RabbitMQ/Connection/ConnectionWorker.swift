internal import Seams
internal import Synchronization

/// One connection's thread: takes commands from the callers, frames from the broker, and brings them together.
///
/// `@unchecked Sendable`: everything but the mailbox and the bell is touched by the connection's own thread only.
final class ConnectionWorker: @unchecked Sendable {
  enum Command: Sendable {
    case openChannel(Reply<ChannelHandle>, deadline: Int64)
    case ask(ChannelHandle, BrokerRequest, Reply<BrokerAnswer>, consumer: RabbitMQConsumer?, deadline: Int64)
    case publish(ChannelHandle, [BrokerPublication], Reply<[BrokerPublishOutcome]>, deadline: Int64)
    case acknowledge(ChannelHandle, UInt64, multiple: Bool)
    case reject(ChannelHandle, UInt64, multiple: Bool, requeue: Bool)
    case closeChannel(ChannelHandle)
    case close
  }

  private struct Mailbox {
    var commands: [Command] = []
    /// Why there will be no more; `nil` while the connection lives.
    var end: BrokerError?
  }

  let link: AMQPLink
  let clock: any MonotonicClock
  /// How often the thread looks after heartbeats, nanoseconds.
  private let tick: Int64
  private let mailbox = Mutex(Mailbox())
  private let bell = WakeDescriptor()
  // The thread's own.
  var channels: [UInt16: ChannelWork] = [:]
  /// Commands that wait until the broker takes messages again.
  var outgoing: [Command] = []
  /// Commands that came together with the one that met the connection's end.
  private var untaken: [Command] = []
  var isBlocked = false
  /// The earliest deadline that may be due.
  var nextDeadline = Int64.max
  /// Why the connection ends, once it does.
  var ending: BrokerError?
  var closesPolitely = false

  init(link: AMQPLink, heartbeat: Duration, clock: any MonotonicClock) {
    self.link = link
    self.clock = clock
    tick = max(100_000_000, heartbeat.nanosecondsClamped / 4)
  }

  // MARK: - Any thread

  /// Hands a command to the thread.
  ///
  /// - Returns: why it was not taken: the connection has ended.
  func post(_ command: Command) -> BrokerError? {
    let (end, isFirst) = mailbox.withLock { mailbox -> (BrokerError?, Bool) in
      if let end = mailbox.end { return (end, false) }
      mailbox.commands.append(command)
      return (nil, mailbox.commands.count == 1)
    }
    if isFirst { bell.ring() }
    return end
  }

  /// Ends the connection: no command is taken from now on.
  func close() {
    let isOpen = mailbox.withLock { mailbox -> Bool in
      guard mailbox.end == nil else { return false }
      mailbox.end = BrokerError(.closed, message: "the connection was closed by this program")
      mailbox.commands.append(.close)
      return true
    }
    if isOpen { bell.ring() }
  }

  var isOpen: Bool { mailbox.withLock { $0.end == nil } }

  // MARK: - The thread

  func run() {
    var canWrite = true
    while ending == nil {
      let commands = mailbox.withLock { mailbox -> [Command] in
        defer { mailbox.commands = [] }
        return mailbox.commands
      }
      for command in commands {
        // One of those before it may have met the end: nothing of this one was sent, and its caller waits.
        if ending == nil { take(command) } else { untaken.append(command) }
      }
      if canWrite, !isBlocked { sendOutgoing() }
      receive()
      expire()
      guard ending == nil, !link.hasInput else { continue }
      let hasMail = mailbox.withLock { !$0.commands.isEmpty }
      let limit = hasMail ? 0 : min(nextDeadline, ConnectionThread.now + tick)
      let wantsToWrite = !outgoing.isEmpty && !isBlocked
      let isWritable = bell.wait(for: link.socket, writing: wantsToWrite, until: limit)
      canWrite = isWritable || !wantsToWrite
    }
    finish(ending ?? BrokerError(.connectionLost, message: "the connection ended"))
  }

  /// Takes in what has arrived, up to a limit, so that commands have their turn.
  private func receive() {
    for _ in 0..<512 where ending == nil {
      switch link.nextFrame() {
      case .frame(let channel, let frame): take(frame, on: channel)
      case .none: return
      case .failed(let why): lose(why)
      }
    }
  }

  /// Notes that a send failed: the connection is of no more use.
  func check(_ problem: String?) {
    if let problem { lose(problem) }
  }

  func lose(_ why: String) {
    if ending == nil { ending = BrokerError(.connectionLost, message: "the connection was lost: \(why)") }
  }

  /// Gives everybody who waits the reason, and the commands that came too late.
  private func finish(_ reason: BrokerError) {
    if closesPolitely { link.sendClose() }
    let late = mailbox.withLock { mailbox -> [Command] in
      mailbox.end = mailbox.end ?? BrokerError(.closed, message: "the connection is closed: \(reason.message)")
      defer { mailbox.commands = [] }
      return mailbox.commands
    }
    for number in channels.keys.sorted() { channels[number]?.end(reason) }
    channels = [:]
    let nothingSent = BrokerError(.closed, replyCode: reason.replyCode, message: reason.message)
    for command in outgoing + untaken + late { refuse(command, nothingSent) }
    (outgoing, untaken) = ([], [])
  }

  /// Answers a command of which nothing was sent.
  func refuse(_ command: Command, _ error: BrokerError) {
    switch command {
    case .openChannel(let reply, _): reply.resume(.failure(error))
    case .ask(_, _, let reply, _, _): reply.resume(.failure(error))
    case .publish(_, _, let reply, _): reply.resume(.failure(error))
    case .acknowledge, .reject, .closeChannel, .close: break
    }
  }

  /// Answers what has waited for too long.
  private func expire() {
    let now = ConnectionThread.now
    guard nextDeadline <= now else { return }
    nextDeadline = .max
    for number in channels.keys.sorted() {
      let next = channels[number]?.expire(now) ?? .max
      nextDeadline = min(nextDeadline, next)
    }
    outgoing.removeAll { command in
      guard case .publish(_, _, let reply, let deadline) = command else { return false }
      guard deadline <= now else {
        nextDeadline = min(nextDeadline, deadline)
        return false
      }
      reply.resume(.failure(BrokerError(.deadlineExceeded, message: "the deadline passed before anything was sent")))
      return true
    }
  }
}
