internal import Seams
internal import SimulationKernel

/// A process that answers HTTP at a port, and the exchanges it has not answered yet.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class HTTPListener: @unchecked Sendable {
  let process: SimulatedProcess
  let port: Int
  let handler: any HTTPHandler
  private var open: ContiguousArray<HTTPExchange> = []

  init(process: SimulatedProcess, port: Int, handler: any HTTPHandler) {
    self.process = process
    self.port = port
    self.handler = handler
  }

  func begin(_ exchange: HTTPExchange) {
    exchange.listenerIndex = open.count
    open.append(exchange)
  }

  func end(_ exchange: HTTPExchange) {
    guard let index = exchange.listenerIndex else { return }
    exchange.listenerIndex = nil
    let last = open.removeLast()
    guard last !== exchange else { return }
    open[index] = last
    last.listenerIndex = index
  }

  /// The process died: its operating system resets every connection.
  func resetAll() {
    let exchanges = open
    open = []
    for exchange in exchanges {
      exchange.listenerIndex = nil
      exchange.reset("the server crashed")
    }
  }
}
