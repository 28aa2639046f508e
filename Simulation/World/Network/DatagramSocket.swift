internal import DequeModule
public import NIOCore
public import Seams
public import SimulationKernel

/// Where a datagram comes from or goes to.
public struct DatagramAddress: Sendable {
  public var host: SimulatedHost
  public var port: Int

  /// Port `port` of `host`.
  public init(host: SimulatedHost, port: Int) {
    self.host = host
    self.port = port
  }
}

/// A message that arrived at a ``DatagramSocket``.
public struct Datagram: Sendable {
  public var payload: ByteBuffer
  public var source: DatagramAddress
}

/// The network at its barest: whole messages that arrive once, late, out of order or not at all.
///
/// It closes when its process crashes; what arrives at a port that nobody holds is dropped.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class DatagramSocket: @unchecked Sendable {
  /// Where others reach this socket.
  public let address: DatagramAddress
  private let process: SimulatedProcess
  private let network: Network
  @exclusivity(unchecked) private var arrived: Deque<Datagram> = []
  @exclusivity(unchecked) private var waiting: PendingWait?

  /// Opens `port` on the host of `process`.
  ///
  /// - Precondition: no other socket of the host holds the port.
  public init(_ process: SimulatedProcess, port: Int, network: Network) {
    address = DatagramAddress(host: process.host, port: port)
    self.process = process
    self.network = network
    network.open(self)
    process.onSeal { [network, unowned self] in network.close(self) }
  }

  /// Sends `payload`; nothing tells whether it arrives.
  public func send(_ payload: ByteBuffer, to target: DatagramAddress) {
    guard !process.isSealed else { return }
    let source = address
    network.send(from: source.host, to: target.host, bytes: payload.readableBytes) { [network] in
      network.socket(at: target)?.deliver(Datagram(payload: payload, source: source))
    }
  }

  /// Waits for the next datagram. One receiver at a time.
  ///
  /// - Parameter deadline: when to give up, on the host's clock.
  /// - Returns: the datagram; `nil` when the deadline passed.
  /// - Throws: `CancellationError`; ``HostDead``.
  public func receive(deadline: MonotonicInstant = .distantFuture) async throws -> Datagram? {
    try process.checkAlive()
    if let next = arrived.popFirst() { return next }
    precondition(waiting == nil, "a datagram socket has one receiver at a time")
    let wait = process.pendingWait("a datagram")
    waiting = wait
    defer { waiting = nil }
    guard deadline != .distantFuture else {
      try await wait.wait()
      return arrived.popFirst()
    }
    let timer = network.kernel.schedule(at: process.host.globalInstant(ofLocal: deadline)) { wait.resume() }
    defer { network.kernel.cancel(timer) }
    try await wait.wait()
    return arrived.popFirst()
  }

  private func deliver(_ datagram: Datagram) {
    arrived.append(datagram)
    waiting?.resume()
  }
}
