public import Seams
import SimulatedNetwork
import SimulationKernel

/// The cache seam's simulated side: connections of one simulated process to a ``SimulatedRedisServer``.
public struct SimulatedRedisConnector: CacheConnector {
  let server: SimulatedRedisServer
  let process: SimulatedProcess
  let database: Int

  public func connect(deadline: MonotonicInstant) async throws -> any CacheConnection {
    try process.checkAlive()
    let (server, process, database) = (server, process, database)
    func failed(_ why: String) -> CacheError {
      CacheError(.connectFailed, message: "cannot connect to redis://\(server.host.name): \(why)")
    }
    guard deadline == .distantFuture || process.clock.now < deadline else { throw failed("the deadline had passed") }
    let call = process.pendingCall("a connection to Redis", as: SimulatedRedisConnection.self)
    let kernel = process.host.kernel
    let timer = kernel.schedule(at: max(kernel.now, process.host.globalInstant(ofLocal: deadline))) {
      call.fail(failed("no answer before the deadline"))
    }
    defer { kernel.cancel(timer) }
    let connection = SimulatedRedisConnection(server: server, process: process)
    server.network.send(from: process.host, to: server.host, bytes: 96) {
      let peer = server.accept(connection, database: database)
      server.network.send(from: server.host, to: process.host, bytes: 32) {
        guard let peer else { return call.fail(failed("Connection refused")) }
        connection.opened(peer)
        if call.isEnded { return connection.close() }
        call.resume(returning: connection)
      }
    }
    return try await call.value()
  }
}
