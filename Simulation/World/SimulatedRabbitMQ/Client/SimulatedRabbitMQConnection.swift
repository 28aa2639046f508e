public import Seams
import SimulatedNetwork
import SimulationKernel

/// A client's end of a connection to a ``SimulatedRabbitMQServer``.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class SimulatedRabbitMQConnection: BrokerConnection, @unchecked Sendable {
  let process: SimulatedProcess
  private let server: SimulatedRabbitMQServer
  private weak var session: BrokerSession?
  private var pipe: OrderedPipe<[ClientFrame]>?
  private var channels: [Int: SimulatedRabbitMQChannel] = [:]
  private var opening: [Int: PendingWait] = [:]
  private var lastHeard = MonotonicInstant(nanoseconds: 0)
  /// Why it is closed; `nil` while it is open.
  private var reason: BrokerError? = BrokerError(.closed, message: "the connection was never open")

  init(server: SimulatedRabbitMQServer, process: SimulatedProcess) {
    self.server = server
    self.process = process
  }

  public var isOpen: Bool { reason == nil }

  func opened(_ session: BrokerSession) {
    reason = nil
    self.session = session
    pipe = OrderedPipe(server.network, from: process.host, to: server.host) { [weak session] frames in
      session?.receive(frames)
    }
    lastHeard = process.host.kernel.now
    process.onSeal { [weak self] in self?.close() }
    beat()
  }

  public func openChannel(deadline: MonotonicInstant) async throws -> any BrokerChannel {
    try process.checkAlive()
    try Task.checkCancellation()
    try checkOpen()
    let id = server.nextChannel()
    let wait = process.pendingWait("a channel of RabbitMQ")
    wait.expire(at: try instant(of: deadline), with: SimulatedRabbitMQConnection.deadlineExceeded(sent: false))
    opening[id] = wait
    let channel = SimulatedRabbitMQChannel(id: id, connection: self)
    channels[id] = channel
    send([.openChannel(id)])
    do {
      try await wait.wait()
      return channel
    } catch {
      opening[id] = nil
      channel.close()
      throw error
    }
  }

  public func close() {
    guard reason == nil else { return }
    end(BrokerError(.closed, message: "the connection was closed by this program"))
    guard let session else { return }
    // The system closes the sockets of a dead process too. Nothing may get through: then heartbeats tell.
    server.network.send(from: process.host, to: server.host, bytes: 40) { session.hangUp() }
  }

  // MARK: - For the channels

  func send(_ frames: [ClientFrame]) {
    pipe?.send(frames, bytes: frames.reduce(0) { $0 + $1.bytes })
  }

  func forget(_ channel: SimulatedRabbitMQChannel) { channels[channel.id] = nil }

  func checkOpen() throws {
    guard let reason else { return }
    throw BrokerError(.closed, replyCode: reason.replyCode, message: "the connection is closed: \(reason.message)")
  }

  /// `deadline` of the host's clock in virtual time.
  func instant(of deadline: MonotonicInstant) throws -> MonotonicInstant {
    guard deadline == .distantFuture || process.clock.now < deadline else {
      throw BrokerError(.deadlineExceeded, message: "the deadline had passed before the call")
    }
    return process.host.globalInstant(ofLocal: deadline)
  }

  static func deadlineExceeded(sent: Bool) -> BrokerError {
    BrokerError(.deadlineExceeded, message: "no answer from the broker before the deadline", mayHaveTakenEffect: sent)
  }

  // MARK: - What arrives

  /// Frames, or none: a heartbeat.
  func receive(_ frames: [ServerFrame]) {
    guard reason == nil else { return }
    lastHeard = process.host.kernel.now
    for frame in frames {
      switch frame {
      case .channelOpened(let id): opening.removeValue(forKey: id)?.resume()
      case .answer(let id, let answer): channels[id]?.answered(answer)
      case .deliver(let id, let tag, let delivery): channels[id]?.delivered(delivery, to: tag)
      case .returned(let id, let code, let text, let publication): channels[id]?.returned(publication, code, text)
      case .confirm(let id, let number, let isAck): channels[id]?.confirmed(number, isAck)
      case .consumerCancelled(let id, let tag): channels[id]?.consumerCancelled(tag)
      case .channelClosed(let id, let code, let text): channels.removeValue(forKey: id)?.refused(code, text)
      case .connectionClosed(let code, let text):
        end(
          BrokerError(
            code == .connectionForced ? .connectionLost : .refused, replyCode: code,
            message: "the broker closed the connection: \(text)"))
      }
    }
  }

  /// The connection broke.
  func lost(_ why: String) {
    guard reason == nil else { return }
    end(BrokerError(.connectionLost, message: "the connection was lost: \(why)"))
  }

  private func end(_ reason: BrokerError) {
    self.reason = reason
    pipe?.abandon()
    pipe = nil
    let gone = channels.keys.sorted().compactMap { channels[$0] }
    channels = [:]
    for id in opening.keys.sorted() { opening[id]?.fail(reason) }
    opening = [:]
    for channel in gone { channel.end(reason) }
  }

  /// Shows the broker that the client is there, and looks whether the broker is. On a thread of its own in the live
  /// driver: only a machine that stands still misses a beat.
  private func beat() {
    let interval = server.options.heartbeat
    process.host.kernel.schedule(after: interval / 2) { [weak self] in
      guard let self, reason == nil else { return }
      if !process.host.isPaused {
        if lastHeard.advanced(by: interval * 2) < process.host.kernel.now { return lost("Heartbeat timeout") }
        pipe?.send([], bytes: 8)
      }
      beat()
    }
  }
}
