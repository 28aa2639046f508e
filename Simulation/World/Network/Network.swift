public import Seams
public import SimulationKernel

/// The message network between the hosts of a run.
///
/// Every ordered pair of hosts has a ``Link``. A message is delivered once, after the link's latency, or vanishes.
/// Messages may overtake each other; what needs order (a connection) numbers them or waits for answers.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class Network: @unchecked Sendable {
  public let kernel: SimulationKernel
  /// The latency of links that nothing else was said of.
  public var defaultLatency: LatencyDistribution
  /// Figures of the run.
  @exclusivity(unchecked) public private(set) var statistics = NetworkStatistics()
  @exclusivity(unchecked) private var links: ContiguousArray<ContiguousArray<Link?>> = []
  private var listeners: [HTTPListener] = []
  private var sockets: ContiguousArray<[DatagramSocket]> = []
  private var faultCounts: [HTTPFault: Int] = [:]

  /// A network on `kernel` whose links take `defaultLatency` until told otherwise.
  public init(
    kernel: SimulationKernel,
    defaultLatency: LatencyDistribution = .uniform(.microseconds(100) ... .microseconds(500))
  ) {
    self.kernel = kernel
    self.defaultLatency = defaultLatency
  }

  /// The path from `source` to `target`.
  @inline(__always)
  public func link(from source: SimulatedHost, to target: SimulatedHost) -> Link {
    if source.index < links.count, target.index < links[source.index].count,
      let link = links[source.index][target.index]
    {
      return link
    }
    return makeLink(from: source, to: target)
  }

  private func makeLink(from source: SimulatedHost, to target: SimulatedHost) -> Link {
    while links.count <= source.index { links.append([]) }
    while links[source.index].count <= target.index { links[source.index].append(nil) }
    let link = Link(
      latency: defaultLatency, stream: kernel.stream("link \(source.name) > \(target.name)"))
    links[source.index][target.index] = link
    return link
  }

  /// Sends a message: `deliver` runs on the kernel's thread when it arrives.
  ///
  /// - Parameters:
  ///   - bytes: the message's size, for the record.
  ///   - onDropped: runs at once when the message vanishes; a sender in the simulation must not learn of it.
  @inline(__always)
  public func send(
    from source: SimulatedHost, to target: SimulatedHost, bytes: Int, onDropped: (() -> Void)? = nil,
    deliver: @escaping () -> Void
  ) {
    let link = link(from: source, to: target)
    statistics.messages += 1
    kernel.record(
      .messageSent, host: source, UInt64(target.index), UInt64(bytes), detail: "to \(target.name), \(bytes) bytes")
    if !source.isPowered || link.loses() {
      drop(from: source, to: target, onDropped)
      return
    }
    kernel.schedule(at: MonotonicInstant(nanoseconds: kernel.now.nanoseconds + link.drawLatency())) { [self] in
      if link.isCut || !target.isPowered {
        drop(from: source, to: target, onDropped)
        return
      }
      kernel.record(
        .messageDelivered, host: target, UInt64(source.index), UInt64(bytes),
        detail: "from \(source.name), \(bytes) bytes")
      deliver()
    }
  }

  private func drop(from source: SimulatedHost, to target: SimulatedHost, _ onDropped: (() -> Void)?) {
    statistics.dropped += 1
    kernel.record(.messageDropped, host: source, UInt64(target.index), detail: "to \(target.name)")
    onDropped?()
  }

  // MARK: - Partitions

  /// Cuts the path from `source` to `target`, not the way back.
  public func cut(from source: SimulatedHost, to target: SimulatedHost) {
    link(from: source, to: target).isCut = true
  }

  /// Cuts both ways between every host of `left` and every host of `right`.
  public func partition(_ left: [SimulatedHost], from right: [SimulatedHost]) {
    for a in left {
      for b in right {
        cut(from: a, to: b)
        cut(from: b, to: a)
      }
    }
  }

  /// Mends every link: no cut, no loss, no delay, no HTTP fault.
  public func heal() {
    for row in links {
      for case let link? in row {
        link.isCut = false
        link.loss = 0
        link.delay = .zero
        link.httpFaults = HTTPFaultRates()
      }
    }
  }

  /// How many messages vanished by the loss of their links, cuts apart.
  public var lostMessages: Int {
    links.reduce(0) { sum, row in row.reduce(sum) { $0 + ($1?.lostMessages ?? 0) } }
  }

  /// How often each HTTP fault happened, in the order of ``HTTPFault``'s cases.
  public var httpFaultCounts: [(fault: HTTPFault, count: Int)] {
    HTTPFault.allCases.compactMap { fault in faultCounts[fault].map { (fault, $0) } }
  }

  func count(_ fault: HTTPFault, from host: SimulatedHost) {
    faultCounts[fault, default: 0] += 1
    kernel.record(.fault, host: host, UInt64(faultCounts.count), detail: "http \(fault.rawValue)")
  }

  // MARK: - Listeners

  /// Lets `process` answer HTTP at `port` of its host, until it crashes.
  ///
  /// - Precondition: nothing listens there.
  public func listen(_ process: SimulatedProcess, port: Int, handler: any HTTPHandler) {
    precondition(
      listener(of: process.host, port: port) == nil, "something listens at \(process.host.name):\(port) already")
    let listener = HTTPListener(process: process, port: port, handler: handler)
    listeners.append(listener)
    process.onSeal { [self] in
      stopListening(process, port: port)
      listener.resetAll()
    }
  }

  /// Closes the port: later connections are refused; what was accepted is still answered.
  public func stopListening(_ process: SimulatedProcess, port: Int) {
    listeners.removeAll { $0.process === process && $0.port == port }
  }

  func listener(of host: SimulatedHost, port: Int) -> HTTPListener? {
    listeners.first { $0.process.host === host && $0.port == port }
  }

  // MARK: - Datagrams

  func open(_ socket: DatagramSocket) {
    let index = socket.address.host.index
    while sockets.count <= index { sockets.append([]) }
    precondition(self.socket(at: socket.address) == nil, "port \(socket.address.port) is taken")
    sockets[index].append(socket)
  }

  func close(_ socket: DatagramSocket) {
    sockets[socket.address.host.index].removeAll { $0 === socket }
  }

  func socket(at address: DatagramAddress) -> DatagramSocket? {
    guard address.host.index < sockets.count else { return nil }
    return sockets[address.host.index].first { $0.address.port == address.port }
  }

  /// The host that an authority's name names, `nil` when there is none.
  func host(named name: some StringProtocol) -> SimulatedHost? {
    kernel.hosts.first { $0.name == name }
  }
}

/// Figures of the network.
public struct NetworkStatistics: Sendable, Hashable {
  /// Messages sent.
  public var messages: UInt64 = 0
  /// Messages that vanished.
  public var dropped: UInt64 = 0
}
