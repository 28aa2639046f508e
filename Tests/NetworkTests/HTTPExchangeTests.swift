import HTTPTypes
import NIOCore
import Seams
import SimulatedNetwork
import SimulationKernel
import Testing

@Suite struct HTTPExchangeTests {
  private static let get = HTTPRequestMessage(
    head: HTTPRequest(method: .get, scheme: "http", authority: "server:80", path: "/"))

  private struct Answering: HTTPHandler {
    var served = Served()
    var delay: (@Sendable () async throws -> Void)?

    func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
      served.count += 1
      try? await delay?()
      let body = (try? await request.body.collect(upTo: 1_000_000)) ?? ByteBuffer()
      return HTTPResponseMessage(
        head: HTTPResponse(status: .ok), body: .bytes(ByteBuffer(string: #"{"peer":"\#(peer.address)"}"#) + body))
    }
  }

  /// `@unchecked Sendable`: used on the kernel's thread alone.
  final class Served: @unchecked Sendable {
    var count = 0
  }

  /// One request under the given circumstances: what came back, how often the handler ran, and when.
  private func exchange(
    deadline: Duration = .seconds(5), delay: Duration? = nil,
    _ circumstances: @escaping @Sendable (Network, SimulatedHost, SimulatedHost) -> Void = { _, _, _ in }
  ) -> (result: Result<HTTPResponseMessage, HTTPTransportError>, served: Int, at: Duration) {
    let kernel = SimulationKernel(seed: 3)
    let network = Network(kernel: kernel, defaultLatency: .constant(.milliseconds(1)))
    let (client, server) = (kernel.host("client"), kernel.host("server"))
    let served = Served()
    let box = ResultBox()
    server.boot { process in
      var wait: (@Sendable () async throws -> Void)?
      if let delay { wait = { try await process.clock.sleep(for: delay) } }
      network.listen(process, port: 80, handler: Answering(served: served, delay: wait))
    }
    client.boot { process in
      circumstances(network, client, server)
      let transport = SimulatedHTTPTransport(process: process, network: network)
      do {
        box.result = .success(
          try await transport.send(Self.get, deadline: process.clock.now.advanced(by: deadline)))
      } catch let error as HTTPTransportError {
        box.result = .failure(error)
      }
      box.at = kernel.now
    }
    kernel.runLoop(until: MonotonicInstant(nanoseconds: 60_000_000_000))
    let acted = served.count
    #expect(kernel.reap().isEmpty)
    let result = box.result ?? .failure(HTTPTransportError(.connectionReset, "the call never ended"))
    return (result, acted, .nanoseconds(box.at.nanoseconds))
  }

  /// `@unchecked Sendable`: used on the kernel's thread alone.
  private final class ResultBox: @unchecked Sendable {
    var result: Result<HTTPResponseMessage, HTTPTransportError>?
    var at = MonotonicInstant(nanoseconds: 0)
  }

  private func expectFailure(
    _ code: HTTPTransportError.Code, _ result: Result<HTTPResponseMessage, HTTPTransportError>
  ) {
    #expect(throws: HTTPTransportError.self) { _ = try result.get() }
    if case .failure(let error) = result { #expect(error.code == code, "\(error)") }
  }

  @Test func aRequestTakesTheLatencyOfBothWays() throws {
    let (result, served, at) = exchange()
    #expect(try result.get().head.status == .ok)
    #expect(served == 1)
    #expect(at == .milliseconds(2))
  }

  @Test func aHostThatIsDownRefuses() {
    let (result, served, at) = exchange { _, _, server in server.crash() }
    expectFailure(.connectionRefused, result)
    #expect(served == 0)
    #expect(at == .milliseconds(2))
  }

  @Test func aCrashWhileServingResetsTheConnection() {
    let (result, served, at) = exchange(delay: .seconds(1)) { network, _, server in
      network.kernel.schedule(after: .milliseconds(500)) { server.crash() }
    }
    expectFailure(.connectionReset, result)
    #expect(served == 1)
    #expect(at == .milliseconds(501))
  }

  @Test func aServerWithoutPowerSaysNothing() {
    let (result, served, at) = exchange(deadline: .seconds(2)) { _, _, server in server.crash(.power) }
    expectFailure(.deadlineExceeded, result)
    #expect(served == 0)
    #expect(at == .seconds(2))
  }

  @Test func losingPowerWhileServingResetsNothing() {
    let (result, served, at) = exchange(deadline: .seconds(3), delay: .seconds(1)) { network, _, server in
      network.kernel.schedule(after: .milliseconds(500)) { server.crash(.power) }
      network.kernel.schedule(after: .milliseconds(600)) { server.restart() }
    }
    expectFailure(.deadlineExceeded, result)
    #expect(served == 1)
    #expect(at == .seconds(3))
  }

  @Test func aPausedServerLetsTheDeadlinePass() {
    let (result, served, at) = exchange(deadline: .seconds(2)) { _, _, server in server.pause() }
    expectFailure(.deadlineExceeded, result)
    #expect(served == 0)
    #expect(at == .seconds(2))
  }

  @Test func aOneWayCutOfTheAnswerLetsTheServerAct() {
    let (result, served, at) = exchange(deadline: .seconds(2)) { network, client, server in
      network.cut(from: server, to: client)
    }
    expectFailure(.deadlineExceeded, result)
    #expect(served == 1)
    #expect(at == .seconds(2))
  }

  @Test func aPartitionKeepsTheRequestFromTheServerUntilItHeals() throws {
    let (result, served, _) = exchange(deadline: .seconds(2)) { network, client, server in
      network.partition([client], from: [server])
    }
    expectFailure(.deadlineExceeded, result)
    #expect(served == 0)
    let healed = exchange { network, client, server in
      network.partition([client], from: [server])
      network.heal()
    }
    #expect(try healed.result.get().head.status == .ok)
  }

  @Test func aSlowLinkDelaysTheAnswer() throws {
    let (result, _, at) = exchange { network, client, server in
      network.link(from: server, to: client).delay = .milliseconds(700)
    }
    #expect(try result.get().head.status == .ok)
    #expect(at == .milliseconds(702))
  }

  @Test(arguments: [
    (HTTPFault.refused, HTTPTransportError.Code.connectionRefused, 0),
    (.resetBefore, .connectionReset, 0), (.resetAfter, .connectionReset, 1),
    (.requestLost, .deadlineExceeded, 0), (.responseLost, .deadlineExceeded, 1), (.cutBody, .malformedResponse, 1),
  ])
  func aFaultFailsTheCallAndTheServerActedOrNot(fault: HTTPFault, code: HTTPTransportError.Code, acted: Int) {
    let (result, served, _) = exchange { network, client, server in
      network.link(from: client, to: server).httpFaults[fault] = 1
    }
    expectFailure(code, result)
    #expect(served == acted)
  }

  @Test func aWrongLengthCutsTheBodyToWhatTheHeadDeclares() async throws {
    let (result, _, _) = exchange { network, client, server in
      network.link(from: client, to: server).httpFaults[.wrongLength] = 1
    }
    let response = try result.get()
    let body = try await response.body.collect(upTo: 1000)
    #expect(response.head.headerFields[.contentLength] == String(body.readableBytes))
    #expect(body.readableBytes < 17)
  }

  @Test func garbageReplacesTheBody() async throws {
    let (result, _, _) = exchange { network, client, server in
      network.link(from: client, to: server).httpFaults[.garbageBody] = 1
    }
    let body = try await result.get().body.collect(upTo: 1000)
    #expect(String(buffer: body) != #"{"peer":"client"}"#)
    #expect(body.readableBytes == 17)
  }

  @Test func aWrongStatusIsAnErrorOfTheServer() throws {
    let (result, served, _) = exchange { network, client, server in
      network.link(from: client, to: server).httpFaults[.wrongStatus] = 1
    }
    #expect(try result.get().head.status == .internalServerError)
    #expect(served == 1)
  }

  @Test func anUnknownHostIsRefusedByName() {
    let kernel = SimulationKernel(seed: 1)
    let network = Network(kernel: kernel)
    let outcome = kernel.run { process in
      let transport = SimulatedHTTPTransport(process: process, network: network)
      _ = try await transport.send(Self.get, deadline: .distantFuture)
    }
    #expect(outcome == .driverFailed("connection_refused: no host is called server"))
  }

  @Test func lossDropsAboutItsShare() {
    let kernel = SimulationKernel(seed: 1)
    let network = Network(kernel: kernel)
    let (a, b) = (kernel.host("a"), kernel.host("b"))
    network.link(from: a, to: b).loss = 0.25
    for _ in 0..<10_000 { network.send(from: a, to: b, bytes: 1) {} }
    #expect((2_300...2_700).contains(network.statistics.dropped))
  }
}

private func + (left: ByteBuffer, right: ByteBuffer) -> ByteBuffer {
  var (sum, rest) = (left, right)
  sum.writeBuffer(&rest)
  return sum
}
