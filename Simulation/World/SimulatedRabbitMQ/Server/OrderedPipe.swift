import Seams
import SimulatedNetwork
import SimulationKernel

/// One direction of a TCP connection: what is sent arrives once and in order, late when the network loses a part of it,
/// never when the connection ends before that.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class OrderedPipe<Part>: @unchecked Sendable {
  private let network: Network
  private let source: SimulatedHost
  private let target: SimulatedHost
  private let receive: (Part) -> Void
  private var sent = 0
  private var expected = 0
  private var early: [Int: Part] = [:]
  private var isBroken = false

  init(_ network: Network, from source: SimulatedHost, to target: SimulatedHost, receive: @escaping (Part) -> Void) {
    self.network = network
    self.source = source
    self.target = target
    self.receive = receive
  }

  func send(_ part: Part, bytes: Int) {
    guard !isBroken else { return }
    transmit(sent, part, bytes, again: .milliseconds(200))
    sent += 1
  }

  /// Nothing arrives any more.
  func abandon() {
    isBroken = true
    early = [:]
  }

  /// A lost part is sent again after a while, as RFC 6298 has it: later each time.
  private func transmit(_ number: Int, _ part: Part, _ bytes: Int, again delay: Duration) {
    network.send(
      from: source, to: target, bytes: bytes,
      onDropped: { [weak self] in
        guard let self, !isBroken else { return }
        network.kernel.schedule(after: delay) { [weak self] in
          guard let self, !isBroken else { return }
          transmit(number, part, bytes, again: min(delay * 2, .seconds(5)))
        }
      }, deliver: { [weak self] in self?.arrived(number, part) })
  }

  private func arrived(_ number: Int, _ part: Part) {
    guard !isBroken else { return }
    early[number] = part
    while !isBroken, let next = early.removeValue(forKey: expected) {
      expected += 1
      receive(next)
    }
  }
}
