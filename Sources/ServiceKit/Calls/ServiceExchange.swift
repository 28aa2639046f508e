internal import HTTPTypes
internal import NIOCore
internal import Seams

/// One request to another service and its answer.
struct ServiceExchange<Result: Sendable> {
  let call: ServiceCall<Result>
  let endpoint: String
  let peer: ServicePeer
  let context: CallContext
  /// Whether no earlier attempt of the call can have taken effect.
  let isConclusive: Bool
  /// The answer's status, once there is one.
  private(set) var status: Int?

  init(
    call: ServiceCall<Result>, endpoint: String, peer: ServicePeer, context: CallContext, isConclusive: Bool
  ) {
    self.call = call
    self.endpoint = endpoint
    self.peer = peer
    self.context = context
    self.isConclusive = isConclusive
  }

  /// Sends the request and reads the answer, until the attempt's time is over.
  ///
  /// - Throws: what is no failure of the call: `CancellationError`, the end of a simulated host.
  mutating func perform() async throws -> AttemptOutcome<Result> {
    let now = peer.environment.clock.now
    let deadline = min(context.deadline, now.advanced(by: peer.options.attemptTimeout))
    let milliseconds = max(1, now.duration(to: deadline).nanosecondsClamped / 1_000_000)
    do {
      let response = try await peer.transport.send(request(milliseconds: milliseconds), deadline: deadline)
      status = response.head.status.code
      return outcome(of: response.head, try await body(of: response, until: deadline))
    } catch let error as HTTPTransportError {
      return failure(Self.code(of: error), error.message, cause: error)
    } catch let error as HTTPBodyTooLarge {
      return failure(.malformedAnswer, "its answer is longer than \(error.limit) bytes", cause: error)
    } catch let error as DeadlineExceeded {
      return failure(.deadlineExceeded, "its answer did not end in time", cause: error)
    }
  }

  private func request(milliseconds: Int64) -> HTTPRequestMessage {
    var fields = call.fields
    fields[.authorization] = "Bearer " + peer.tokens.token(for: peer.name).value
    fields[.correlationId] = context.correlationId.canonicalText
    fields[.requestTimeout] = String(milliseconds)
    let body = call.body?.buffer ?? ByteBuffer()
    if body.readableBytes > 0 {
      fields[.contentType] = "application/json"
      fields[.contentLength] = String(body.readableBytes)
    }
    return HTTPRequestMessage(
      head: HTTPRequest(
        method: call.method, scheme: peer.address.scheme, authority: peer.address.authority, path: call.path,
        headerFields: fields), body: .bytes(body))
  }

  private func body(of response: HTTPResponseMessage, until deadline: MonotonicInstant) async throws -> ByteBuffer {
    let limit = peer.options.answerLimit
    let body = response.body
    guard case .stream = body else { return try await body.collect(upTo: limit) }
    return try await withDeadline(deadline, clock: peer.environment.clock) { try await body.collect(upTo: limit) }
  }

  private func outcome(of head: HTTPResponse, _ body: ByteBuffer) -> AttemptOutcome<Result> {
    let status = head.status.code
    let retryAfter = head.headerFields[.retryAfter].flatMap { UInt32($0) }.map { Duration.seconds(Int64($0)) }
    let answer: ServiceAnswer
    do {
      answer = try ServiceAnswer(
        status: status, mediaType: head.headerFields[.contentType], body: body, isConclusive: isConclusive)
    } catch {
      if let failure = failure(ofStatus: status, "", retryAfter) { return failure }
      return failure(.malformedAnswer, "its answer cannot be read: \(error.explanation)", cause: error)
    }
    if let failure = failure(ofStatus: status, answer.detail, retryAfter) { return failure }
    do {
      switch try call.meaning(answer) {
      case .done(let result): return .done(result)
      case .refused(let result): return .refused(result)
      case .unknown where (400..<500).contains(status):
        return failure(.rejected, "it answered \(status) \(answer.code): \(answer.detail)")
      case .unknown: return failure(.malformedAnswer, "it answered with status \(status), which nobody expects here")
      }
    } catch {
      return failure(.malformedAnswer, "its answer is wrong: \(error.explanation)", cause: error)
    }
  }

  /// The failure that a status is, whatever the body says; `nil` when the body decides.
  private func failure(
    ofStatus status: Int, _ detail: String, _ retryAfter: Duration?
  ) -> AttemptOutcome<Result>? {
    let message = "it answered \(status)" + (detail.isEmpty ? "" : ": \(detail)")
    switch status {
    case 400, 401, 403: return failure(.rejected, message)
    // The body did not arrive in time, so that nothing was done (RFC 9110 §15.5.9).
    case 408: return failure(.deadlineExceeded, message, mayHaveTakenEffect: false)
    case 429: return failure(.rateLimited, message, retryAfter: retryAfter)
    case 503: return failure(.unavailable, message, retryAfter: retryAfter)
    case 504: return failure(.deadlineExceeded, message)
    case 500...: return failure(.serverFailed, message)
    default: return nil
    }
  }

  private func failure(
    _ code: ServiceCallError.Code, _ message: String, retryAfter: Duration? = nil, mayHaveTakenEffect: Bool? = nil,
    cause: (any Error)? = nil
  ) -> AttemptOutcome<Result> {
    .failed(
      ServiceCallError(
        code, "\(peer.name) \(endpoint): \(message)", status: status, retryAfter: retryAfter,
        mayHaveTakenEffect: mayHaveTakenEffect, cause: cause))
  }

  private static func code(of error: HTTPTransportError) -> ServiceCallError.Code {
    switch error.code {
    case .connectionRefused, .connectTimeout: .connectFailed
    case .deadlineExceeded: .deadlineExceeded
    case .malformedResponse: .malformedAnswer
    default: .connectionLost
    }
  }
}

extension Problem {
  /// What is wrong with an answer, in one line.
  fileprivate var explanation: String {
    guard let errors = members.first(where: { $0.name == "errors" })?.value.array else { return detail }
    return errors.map { "\($0["field"]?.string ?? ""): \($0["message"]?.string ?? "")" }.joined(separator: "; ")
  }
}
