public import Seams
import SimulatedNetwork
public import SimulationKernel

/// The broker seam's simulated side: connections of one simulated process to one of several servers, tried in their
/// order.
public struct SimulatedRabbitMQConnector: BrokerConnector {
  private let servers: [SimulatedRabbitMQServer]
  private let process: SimulatedProcess

  /// A connector of `process` to the first of `servers` that answers.
  public init(servers: [SimulatedRabbitMQServer], process: SimulatedProcess) {
    self.servers = servers
    self.process = process
  }

  public func connect(deadline: MonotonicInstant) async throws -> any BrokerConnection {
    try process.checkAlive()
    var last = BrokerError(.connectFailed, message: "there is no broker to connect to")
    for (index, server) in servers.enumerated() {
      let now = process.clock.now
      guard deadline > now else {
        throw BrokerError(.connectFailed, message: "cannot connect to \(server.host.name): the deadline had passed")
      }
      // An equal share of the time left for each host not yet tried.
      var share = deadline
      if share != .distantFuture { share = now.advanced(by: now.duration(to: deadline) / (servers.count - index)) }
      do {
        return try await connect(to: server, deadline: share)
      } catch let error as BrokerError {
        last = error
      }
    }
    throw last
  }

  private func connect(
    to server: SimulatedRabbitMQServer, deadline: MonotonicInstant
  ) async throws -> any BrokerConnection {
    let process = process
    let call = process.pendingCall("a connection to RabbitMQ", as: SimulatedRabbitMQConnection.self)
    call.expire(
      at: process.host.globalInstant(ofLocal: deadline),
      with: BrokerError(.connectFailed, message: "cannot connect to \(server.host.name): no answer in time"))
    let connection = SimulatedRabbitMQConnection(server: server, process: process)
    server.network.send(from: process.host, to: server.host, bytes: 256) {
      let session = server.accept(connection)
      server.network.send(from: server.host, to: process.host, bytes: 256) {
        guard let session else {
          return call.fail(
            BrokerError(.connectFailed, message: "cannot connect to \(server.host.name): connection refused"))
        }
        connection.opened(session)
        if call.isEnded { connection.close() } else { call.resume(returning: connection) }
      }
    }
    return try await call.value()
  }
}
