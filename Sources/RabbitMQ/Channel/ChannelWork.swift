internal import NIOCore
internal import Seams

/// What one channel has under way. Only its connection's thread touches it.
final class ChannelWork {
  private struct Asked {
    var request: BrokerRequest
    var reply: Reply<BrokerAnswer>
    var deadline: Int64
    /// Answers still to come before the one that counts: a consumer's limit has one of its own.
    var precursors: Int
    var isExpired = false
  }

  private struct Publishing {
    var reply: Reply<[BrokerPublishOutcome]>
    var deadline: Int64
  }

  let channel: ChannelHandle
  var confirms = PublishConfirms()
  var content: ContentAssembly?
  var consumers: [String: RabbitMQConsumer] = [:]
  /// We have closed it, and the broker has not said so yet.
  var isClosing = false
  /// It was opened after its caller had given up.
  var isAbandoned = false
  /// A request whose answer came after its caller had given up.
  var lateAnswer: BrokerRequest?
  private var asked: [Asked] = []
  private var publishing: [PublishConfirms.Batch: Publishing] = [:]
  private var opening: (reply: Reply<ChannelHandle>, deadline: Int64, answersLeft: Int)?

  init(_ channel: ChannelHandle, opening reply: Reply<ChannelHandle>, _ deadline: Int64) {
    self.channel = channel
    opening = (reply, deadline, 2)
  }

  // MARK: - What begins

  func asked(
    _ request: BrokerRequest, _ reply: Reply<BrokerAnswer>, _ consumer: RabbitMQConsumer?, _ deadline: Int64
  ) {
    var precursors = 0
    if case .consume(_, let tag, _, _) = request {
      precursors = 1
      consumers[tag] = consumer
    }
    asked.append(Asked(request: request, reply: reply, deadline: deadline, precursors: precursors))
  }

  func publishing(_ count: Int, _ reply: Reply<[BrokerPublishOutcome]>, _ deadline: Int64) -> PublishConfirms.Batch {
    let batch = confirms.begin(count)
    publishing[batch] = Publishing(reply: reply, deadline: deadline)
    return batch
  }

  // MARK: - What ends

  /// The oldest request has its answer.
  ///
  /// - Returns: whether somebody took it; otherwise ``lateAnswer`` is the request.
  func answered(_ answer: BrokerAnswer) -> Bool {
    if let opening {
      self.opening?.answersLeft -= 1
      guard opening.answersLeft == 1 else { return true }
      self.opening = nil
      isAbandoned = !opening.reply.resume(.success(channel))
      return true
    }
    guard !asked.isEmpty else { return true }
    guard asked[0].precursors == 0 else {
      asked[0].precursors -= 1
      return true
    }
    let first = asked.removeFirst()
    if case .cancel(let tag) = first.request { consumers.removeValue(forKey: tag)?.end(.finished) }
    guard first.reply.resume(.success(answer)) else {
      if case .consume(_, let tag, _, _) = first.request { consumers[tag] = nil }
      lateAnswer = first.request
      return false
    }
    return true
  }

  func published(_ done: PublishConfirms.Finished) {
    publishing.removeValue(forKey: done.batch)?.reply.resume(.success(done.outcomes))
  }

  /// Gives up what is due, and forgets nothing: the answers may still come.
  ///
  /// - Returns: the next deadline.
  func expire(_ now: Int64) -> Int64 {
    var next = Int64.max
    if let opening {
      if opening.deadline <= now {
        opening.reply.resume(.failure(ChannelWork.deadlineExceeded(sent: false)))
      } else {
        next = min(next, opening.deadline)
      }
    }
    for index in asked.indices where !asked[index].isExpired {
      if asked[index].deadline <= now {
        asked[index].isExpired = true
        asked[index].reply.resume(.failure(ChannelWork.deadlineExceeded(sent: true)))
      } else {
        next = min(next, asked[index].deadline)
      }
    }
    for batch in publishing.keys.sorted() {
      guard let entry = publishing[batch] else { continue }
      if entry.deadline <= now {
        publishing[batch] = nil
        let outcomes = confirms.abandon(batch, ChannelWork.deadlineExceeded(sent: true))
        entry.reply.resume(.success(outcomes ?? []))
      } else {
        next = min(next, entry.deadline)
      }
    }
    return next
  }

  private static func deadlineExceeded(sent: Bool) -> BrokerError {
    BrokerError(.deadlineExceeded, message: "no answer from the broker before the deadline", mayHaveTakenEffect: sent)
  }

  /// The broker closed the channel with a reason, which is that of its oldest request, or of a message.
  func refused(_ code: BrokerReplyCode, _ text: String) {
    var error = BrokerError(.refused, replyCode: code, message: text)
    if let first = asked.first {
      error.inequivalence = BrokerError.Inequivalence(text: text, declared: first.request.declared)
    }
    end(error)
  }

  /// The channel is gone: everybody who waits gets `reason`.
  func end(_ reason: BrokerError) {
    channel.ended(reason)
    opening?.reply.resume(.failure(reason))
    opening = nil
    // The broker handles one thing after the other: it refused the oldest request and has not looked at later ones.
    for (index, entry) in asked.enumerated() {
      var error = reason
      if reason.code != .refused { error.mayHaveTakenEffect = true }
      if index > 0 { error.inequivalence = nil }
      entry.reply.resume(.failure(error))
    }
    let hadRequests = !asked.isEmpty
    asked = []
    for done in confirms.failAll(reason, requestsUnderWay: hadRequests) { published(done) }
    for consumer in consumers.values { consumer.end(.failed(reason)) }
    consumers = [:]
  }
}

/// A message that arrives in parts: what it is, its properties, its body.
struct ContentAssembly {
  let start: AMQPFrame.ContentStart
  private(set) var message = BrokerMessage(body: ByteBuffer())
  private var missing: UInt64?

  init(start: AMQPFrame.ContentStart) { self.start = start }

  /// Whether everything has arrived.
  var isComplete: Bool { missing == 0 }

  mutating func begin(_ message: BrokerMessage, bodySize: UInt64) {
    self.message = message
    missing = bodySize
  }

  mutating func append(_ part: ByteBuffer) {
    guard let left = missing else { return }
    missing = left - min(left, UInt64(part.readableBytes))
    if message.body.readableBytes == 0 {
      message.body = part
    } else {
      message.body.writeImmutableBuffer(part)
    }
  }
}
