import ArgumentParser
import Explorer
import NIOCore
import Reporting
import Seams
import SimulatedNetwork
import SimulationKernel

/// `zoco bench kernel`: how many round trips a second one core plays over the simulated network.
struct BenchKernel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernel",
    abstract: "Round trips a second over the simulated network, against the same echo as bare callbacks.",
    discussion: """
      Ten client hosts and a server exchange 64-byte messages over links of 1 to 5 ms, each link with its random stream,
      each wait with a deadline of 5 s. The baseline plays the same messages as callbacks on the event queue: no tasks,
      no hosts, no deadlines, one stream. Both run five times in turn; the median counts.

      Example:
        zoco bench kernel --round-trips 1000000
      """)

  @Option(help: "Round trips in each of the five turns.")
  var roundTrips = 1_000_000

  func validate() throws {
    guard roundTrips >= 10 else { throw ValidationError("--round-trips takes a number from 10 on") }
  }

  func run() throws {
    var callbacks: [Double] = []
    var echo: [Double] = []
    var hashes: Set<UInt64> = []
    for _ in 0..<5 {
      callbacks.append(measure { playCallbacks() })
      echo.append(measure { hashes.insert(playEcho()) })
    }
    guard hashes.count == 1 else {
      throw CleanExit.message("the same seed gave \(hashes.count) different hashes: the kernel is broken")
    }
    var table = TextTable([("on one core", .left), ("round trips/s", .right), ("slowest", .right), ("fastest", .right)])
    for (name, rates) in [("bare callbacks (baseline)", callbacks.sorted()), ("echo", echo.sorted())] {
      table.add([name, Quantity.number(rates[2]), Quantity.number(rates[0]), Quantity.number(rates[4])])
    }
    print(table.text)
    print("ratio: \(Quantity.fixed(echo.sorted()[2] / callbacks.sorted()[2], 3)) of the bare callbacks' rate")
  }

  private var perClient: Int { roundTrips / Self.clients }
  private static let clients = 10
  private static let port = 7

  private func measure(_ play: () -> Void) -> Double {
    let started = ContinuousClock.now
    play()
    return Double(perClient * Self.clients) / (started.duration(to: .now) / .seconds(1))
  }

  /// Plays the echo on hosts and tasks.
  ///
  /// - Returns: the run's hash.
  private func playEcho() -> UInt64 {
    let kernel = SimulationKernel(seed: 1)
    let network = Network(kernel: kernel, defaultLatency: .uniform(.milliseconds(1) ... .milliseconds(5)))
    let server = kernel.host("server")
    let address = DatagramAddress(host: server, port: Self.port)
    let payload = ByteBuffer(repeating: 7, count: 64)
    let turns = perClient
    server.boot { process in
      let socket = DatagramSocket(process, port: Self.port, network: network)
      while let datagram = try await socket.receive() { socket.send(datagram.payload, to: datagram.source) }
    }
    kernel.run { driver in
      let ended = (0..<Self.clients).map { number in
        let done = driver.pendingWait("a client")
        kernel.host("client \(number)").boot { process in
          let socket = DatagramSocket(process, port: Self.port, network: network)
          for _ in 0..<turns {
            socket.send(payload, to: address)
            _ = try await socket.receive(deadline: process.clock.now.advanced(by: .seconds(5)))
          }
          done.resume()
        }
        return done
      }
      for client in ended { try await client.wait() }
    }
    let hash = kernel.trace.hash
    kernel.reap()
    return hash
  }

  /// Plays the same messages as callbacks alone.
  private func playCallbacks() {
    let kernel = SimulationKernel(seed: 1)
    let stream = kernel.stream("latency")
    func latency() -> Duration { stream.duration(in: .milliseconds(1) ... .milliseconds(5)) }
    func send(_ left: Int, _ payload: ByteBuffer) {
      guard left > 0 else { return }
      kernel.schedule(after: latency()) {
        kernel.schedule(after: latency()) { send(left - 1, payload) }
      }
    }
    for _ in 0..<Self.clients { send(perClient, ByteBuffer(repeating: 7, count: 64)) }
    kernel.runLoop()
  }
}
