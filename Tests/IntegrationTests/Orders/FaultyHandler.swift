import FoundationEssentials
import HTTPTypes
import NIOCore
import Seams
import SeamsLive
import Synchronization

/// Stands before a service's handler: lets requests or answers come late, and damages answers.
final class FaultyHandler: HTTPHandler {
  /// What is done to an answer.
  enum Damage: String, Sendable, CaseIterable {
    /// Bytes that are no JSON, in their declared length.
    case garbageBody
    /// The connection closes before the declared length has come.
    case cutBody
    /// Half of the document, with the half's length.
    case wrongLength
    /// A status that tells of a failure, though there was none.
    case wrongStatus
    /// A document of members that nobody expects.
    case otherDocument
  }

  /// What befalls the requests whose path contains ``path``.
  struct Fault: Sendable {
    var path = "/inventory"
    var requestDelay = Duration.zero
    var answerDelay = Duration.zero
    var damage: Damage?
  }

  /// A request that was answered, before its answer was damaged.
  struct Exchange: Sendable {
    var path: String
    var status: Int
  }

  private struct State {
    var fault: Fault?
    var exchanges: [Exchange] = []
    var underWay = 0
  }

  private let base: any HTTPHandler
  private let clock = SystemMonotonicClock()
  private let state = Mutex(State())

  init(_ base: any HTTPHandler) { self.base = base }

  /// What goes wrong from the next request on; `nil`: nothing.
  var fault: Fault? {
    get { state.withLock(\.fault) }
    set { state.withLock { $0.fault = newValue } }
  }

  /// What was answered so far.
  var exchanges: [Exchange] { state.withLock(\.exchanges) }
  /// Requests that have come and are not answered.
  var underWay: Int { state.withLock(\.underWay) }

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    let path = request.head.path ?? ""
    let fault = state.withLock { state in
      state.underWay += 1
      return state.fault.flatMap { path.contains($0.path) ? $0 : nil }
    }
    guard let fault else {
      let answer = await base.handle(request, from: peer)
      finish(path, answer)
      return answer
    }
    // A request goes on when who sent it has left.
    return await Task {
      try? await self.clock.sleep(for: fault.requestDelay)
      let answer = await self.base.handle(request, from: peer)
      try? await self.clock.sleep(for: fault.answerDelay)
      self.finish(path, answer)
      return await Self.damaged(answer, fault.damage)
    }.value
  }

  private func finish(_ path: String, _ answer: HTTPResponseMessage) {
    state.withLock { state in
      state.underWay -= 1
      state.exchanges.append(Exchange(path: path, status: answer.head.status.code))
    }
  }

  private static func damaged(_ answer: HTTPResponseMessage, _ damage: Damage?) async -> HTTPResponseMessage {
    guard let damage, let body = try? await answer.body.collect(upTo: 1 << 20) else { return answer }
    var answer = answer
    let half = ByteBuffer(bytes: body.readableBytesView.prefix(body.readableBytes / 2))
    switch damage {
    case .garbageBody: answer.replaceBody(ByteBuffer(repeating: 0xFE, count: body.readableBytes))
    case .wrongLength: answer.replaceBody(half)
    case .otherDocument: answer.replaceBody(ByteBuffer(string: "{\"status\":7}"))
    case .wrongStatus: answer.head.status = .internalServerError
    case .cutBody:
      answer.head.headerFields[.contentLength] = String(body.readableBytes)
      answer.body = .stream(
        HTTPBodyStream(
          AsyncThrowingStream<ByteBuffer, any Error> { parts in
            parts.yield(half)
            parts.finish(throwing: CancellationError())
          }))
    }
    return answer
  }
}

extension HTTPResponseMessage {
  fileprivate mutating func replaceBody(_ bytes: ByteBuffer) {
    head.headerFields[.contentLength] = String(bytes.readableBytes)
    body = .bytes(bytes)
  }
}
