public import Seams
public import SimulationKernel

/// The HTTP seam of a process in the simulation: requests travel as messages and meet the links' faults.
///
/// An authority is `HOST:PORT`, where HOST is a host's name. Bodies that are streams cross the network part by part, as
/// the reader pulls them.
public struct SimulatedHTTPTransport: HTTPTransport {
  private let process: SimulatedProcess
  private let network: Network

  /// The transport of `process`.
  public init(process: SimulatedProcess, network: Network) {
    self.process = process
    self.network = network
  }

  public func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
    try process.checkAlive()
    let deadline = process.host.globalInstant(ofLocal: deadline)
    let exchange = try HTTPExchange(request, client: process, network: network, deadline: deadline)
    exchange.call.expire(
      at: deadline,
      with: HTTPTransportError(.deadlineExceeded, "no answer from \(exchange.authority) in time"))
    exchange.start()
    return try await exchange.call.value()
  }
}
