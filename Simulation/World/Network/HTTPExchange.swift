internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import SimulationKernel

/// One request and its answer, on their way through the network.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class HTTPExchange: @unchecked Sendable {
  /// What the heads of a request and of a response weigh on the wire, about.
  private static let headBytes = 256

  let authority: String
  let call: PendingCall<HTTPResponseMessage>
  let server: SimulatedHost
  var listenerIndex: Int?
  private let port: Int
  private let request: HTTPRequestMessage
  private let client: SimulatedProcess
  private let network: Network
  private let fault: HTTPFault?
  private let deadline: MonotonicInstant
  private let fate: UInt64

  /// - Parameter deadline: in virtual time, not in the client's.
  /// - Throws: ``HTTPTransportError/Code/connectionRefused`` when the authority names no host.
  init(
    _ request: HTTPRequestMessage, client: SimulatedProcess, network: Network, deadline: MonotonicInstant
  ) throws {
    let authority = request.head.authority ?? ""
    self.authority = authority
    let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":"))
    let name = colon.map { authority[..<$0] } ?? authority[...]
    port = colon.flatMap { Int(authority[authority.index(after: $0)...]) } ?? 80
    guard let server = network.host(named: name) else {
      throw HTTPTransportError(.connectionRefused, "no host is called \(name)")
    }
    self.server = server
    self.request = request
    self.client = client
    self.network = network
    self.deadline = deadline
    call = client.pendingCall("an HTTP answer", as: HTTPResponseMessage.self)
    let link = network.link(from: client.host, to: server)
    if link.httpFaults.isEmpty {
      fault = nil
      fate = 0
    } else {
      fault = link.httpFaults.fault(at: link.stream.unitInterval())
      fate = link.stream.next()
    }
  }

  func start() {
    if let fault { network.count(fault, from: client.host) }
    switch fault {
    case .refused: return refuse(.connectionRefused, "\(authority) refused the connection")
    case .resetBefore: return refuse(.connectionReset, "\(authority) reset the connection")
    case .requestLost: return
    default: break
    }
    network.send(from: client.host, to: server, bytes: Self.headBytes + request.body.knownBytes) { self.arrived() }
  }

  /// Breaks the connection from the server's side.
  func reset(_ why: String) {
    network.send(from: server, to: client.host, bytes: 40) { [self] in
      call.fail(HTTPTransportError(.connectionReset, "\(authority): \(why)"))
    }
  }

  private func refuse(_ code: HTTPTransportError.Code, _ message: String) {
    network.send(from: client.host, to: server, bytes: 40) { [self] in
      network.send(from: server, to: client.host, bytes: 40) { [self] in
        call.fail(HTTPTransportError(code, message))
      }
    }
  }

  private func arrived() {
    guard let listener = network.listener(of: server, port: port) else {
      network.send(from: server, to: client.host, bytes: 40) { [self] in
        call.fail(HTTPTransportError(.connectionRefused, "nothing listens at \(authority)"))
      }
      return
    }
    network.kernel.record(.requestServed, host: server, UInt64(request.body.knownBytes), detail: requestLine)
    listener.begin(self)
    var request = request
    if case .stream(let stream) = request.body {
      request.body = .stream(
        RemoteBody.stream(stream, from: client, into: listener.process, deadline: deadline, network: network))
    }
    let message = request
    listener.process.spawn("http request") { [self] in
      var response = await listener.handler.handle(message, from: HTTPPeer(address: client.host.name))
      if case .stream(let stream) = response.body {
        response.body = .stream(
          RemoteBody.stream(stream, from: listener.process, into: client, deadline: deadline, network: network))
      }
      answered(response, by: listener)
    }
  }

  private func answered(_ response: HTTPResponseMessage, by listener: HTTPListener) {
    guard !listener.process.isSealed else { return }
    listener.end(self)
    network.kernel.record(
      .requestEnded, host: server, UInt64(response.head.status.code), UInt64(response.body.knownBytes),
      detail: "\(requestLine) \(response.head.status.code)")
    switch fault {
    case .resetAfter: return reset("connection reset before the answer")
    case .responseLost: return
    default: break
    }
    let damaged = damage(response)
    network.send(from: server, to: client.host, bytes: Self.headBytes + response.body.knownBytes) { [self] in
      switch damaged {
      case .success(let response): call.resume(returning: response)
      case .failure(let error): call.fail(error)
      }
    }
  }

  private var requestLine: String { "\(request.head.method) \(request.head.path ?? "")" }

  /// What the client receives instead of `response`. Streams are left alone.
  private func damage(_ response: HTTPResponseMessage) -> Result<HTTPResponseMessage, HTTPTransportError> {
    guard let fault, case .bytes(var body) = response.body else { return .success(response) }
    var response = response
    switch fault {
    case .cutBody:
      return .failure(
        HTTPTransportError(.malformedResponse, "\(authority): the body ended before its declared length"))
    case .wrongLength:
      let kept = body.readableBytes == 0 ? 0 : Int(fate % UInt64(body.readableBytes))
      response.head.headerFields[.contentLength] = String(kept)
      response.body = .bytes(body.readSlice(length: kept) ?? ByteBuffer())
    case .garbageBody:
      var bytes: [UInt8] = []
      var state = fate
      for _ in 0..<max(1, body.readableBytes) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(UInt8(state >> 56))
      }
      response.head.headerFields[.contentLength] = String(bytes.count)
      response.body = .bytes(ByteBuffer(bytes: bytes))
    case .wrongStatus:
      response.head.status = .internalServerError
    default: break
    }
    return .success(response)
  }
}

extension HTTPBody {
  /// The size where it is known at once; 0 for a stream.
  var knownBytes: Int {
    if case .bytes(let buffer) = self { buffer.readableBytes } else { 0 }
  }
}
