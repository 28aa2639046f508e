import DequeModule
import Seams
import SimulatedNetwork
import SimulationKernel

/// The server's end of one connection: a task on the server's process that handles one frame after the other.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class BrokerSession: @unchecked Sendable {
  let id: Int
  private unowned let server: SimulatedRabbitMQServer
  private let process: SimulatedProcess
  private weak var client: SimulatedRabbitMQConnection?
  private let clientHost: SimulatedHost
  private var pipe: OrderedPipe<[ServerFrame]>?
  private var inbox: Deque<ClientFrame> = []
  private var outbox: [ServerFrame] = []
  private var idle: PendingWait?
  private var lastHeard: MonotonicInstant
  private(set) var isClosed = false

  init(id: Int, server: SimulatedRabbitMQServer, process: SimulatedProcess, client: SimulatedRabbitMQConnection) {
    self.id = id
    self.server = server
    self.process = process
    self.client = client
    clientHost = client.process.host
    lastHeard = server.host.kernel.now
    pipe = OrderedPipe(server.network, from: server.host, to: clientHost) { [weak client] frames in
      client?.receive(frames)
    }
    beat()
  }

  // MARK: - What arrives from the network

  /// Frames, or none: a heartbeat.
  func receive(_ frames: [ClientFrame]) {
    guard !isClosed else { return reset() }
    lastHeard = server.host.kernel.now
    inbox.append(contentsOf: frames)
    idle?.resume()
  }

  /// The client closed its end, or its process is gone.
  func hangUp() { close() }

  // MARK: - The loop

  func run() async throws {
    while !isClosed {
      if inbox.isEmpty {
        let wait = process.pendingWait("a broker's client")
        idle = wait
        try await wait.wait()
        idle = nil
      }
      while !isClosed, let frame = inbox.popFirst() {
        if server.strikes(.slowRequest, server.faults.slowRequests) {
          let delay = server.stream(.slowRequest).duration(in: server.faults.slowness)
          try await process.clock.sleep(for: delay)
        }
        guard !isClosed else { return }
        if server.strikes(.connectionLostBefore, server.faults.loseConnection / 2) { return drop() }
        handle(frame)
        if !isClosed, server.strikes(.connectionLostAfter, server.faults.loseConnection / 2) { return drop() }
      }
      server.flush()
    }
  }

  private func handle(_ frame: ClientFrame) {
    let kernel = server.host.kernel
    kernel.record(.brokerFrame, host: server.host, UInt64(id), UInt64(frame.bytes), detail: frame.summary)
    let (virtualHost, now) = (server.virtualHost, kernel.now.nanoseconds)
    switch frame {
    case .openChannel(let id):
      virtualHost.channels[id] = ChannelLedger(id: id, connection: self.id)
      push(.channelOpened(id))
    case .closeChannel(let id):
      if let channel = virtualHost.channels[id] { virtualHost.close(channel, now: now) }
    case .ask(let id, _), .publish(let id, _), .acknowledge(let id, _, _), .reject(let id, _, _, _):
      // After an error the broker ignores what was on its way.
      guard let channel = virtualHost.channels[id] else { return }
      do {
        try handle(frame, channel, now)
      } catch let refusal as Refusal {
        push(.channelClosed(id, refusal.code, refusal.text))
        virtualHost.close(channel, now: now)
      } catch {
        kernel.failHarness("the simulated RabbitMQ does not have \(error)")
      }
    }
    server.collectEffects()
  }

  private func handle(_ frame: ClientFrame, _ channel: ChannelLedger, _ now: Int64) throws {
    let virtualHost = server.virtualHost
    switch frame {
    case .ask(let id, let request): push(.answer(channel: id, try virtualHost.answer(request, on: id, now: now)))
    case .publish(_, let publication):
      if server.strikes(.publishNacked, server.faults.nackPublishes) {
        channel.published += 1
        push(.confirm(channel: channel.id, number: channel.published, isAck: false))
      } else {
        try virtualHost.publish(publication, on: channel, now: now)
      }
    case .acknowledge(_, let tag, let multiple):
      try virtualHost.acknowledge(tag, multiple: multiple, on: channel, now: now)
    case .reject(_, let tag, let multiple, let requeue):
      try virtualHost.reject(tag, multiple: multiple, requeue: requeue, on: channel, now: now)
    case .openChannel, .closeChannel: break
    }
  }

  // MARK: - What goes out

  func push(_ frame: ServerFrame) {
    guard !isClosed else { return }
    if case .confirm(_, _, true) = frame, server.strikes(.confirmLost, server.faults.loseConfirms) { return drop() }
    outbox.append(frame)
  }

  /// Sends what has come together.
  func sendOutbox() {
    guard !isClosed, !outbox.isEmpty else { return }
    let frames = outbox
    outbox = []
    for frame in frames {
      server.host.kernel.record(
        .brokerFrame, host: server.host, UInt64(id), UInt64(frame.bytes) | 1 << 63, detail: frame.summary)
    }
    pipe?.send(frames, bytes: frames.reduce(0) { $0 + $1.bytes })
  }

  /// Shows the client that the broker is there, and looks whether the client is.
  private func beat() {
    let interval = server.options.heartbeat
    server.host.kernel.schedule(after: interval / 2) { [weak self] in
      guard let self, !isClosed else { return }
      if !server.host.isPaused {
        if lastHeard.advanced(by: interval * 2) < server.host.kernel.now { return drop() }
        pipe?.send([], bytes: 8)
      }
      beat()
    }
  }

  // MARK: - The end

  /// Closes the connection with a reason that the client is told.
  func close(_ code: BrokerReplyCode, _ text: String) {
    push(.connectionClosed(code, text))
    sendOutbox()
    let pipe = pipe
    self.pipe = nil
    close()
    // The farewell is on its way; nobody needs what would be sent again.
    server.keepUntilDelivered(pipe)
  }

  /// The connection breaks without a word.
  func drop() {
    close()
    reset()
  }

  /// The server's process died.
  func die() {
    isClosed = true
    pipe?.abandon()
    pipe = nil
    idle?.resume()
    reset()
  }

  private func close() {
    guard !isClosed else { return }
    isClosed = true
    pipe?.abandon()
    pipe = nil
    inbox = []
    outbox = []
    server.forget(self)
    idle?.resume()
  }

  /// Tells the client that there is no connection any more, when the network lets it through.
  private func reset() {
    server.network.send(from: server.host, to: clientHost, bytes: 40) { [weak client] in
      client?.lost("the broker closed the connection unexpectedly")
    }
  }
}
