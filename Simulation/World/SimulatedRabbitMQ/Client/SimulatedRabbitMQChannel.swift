import DequeModule
package import Seams
import SimulationKernel

/// A channel of a ``SimulatedRabbitMQConnection``.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
package final class SimulatedRabbitMQChannel: RequestingChannel, @unchecked Sendable {
  let id: Int
  private let connection: SimulatedRabbitMQConnection
  private var asked: Deque<(request: BrokerRequest, call: PendingCall<BrokerAnswer>)> = []
  private var confirms = PublishConfirms()
  private var publishing: [PublishConfirms.Batch: PendingCall<[BrokerPublishOutcome]>] = [:]
  private var consumers: [String: SimulatedConsumer] = [:]
  private var consumerCount = 0
  private var reason: BrokerError?

  init(id: Int, connection: SimulatedRabbitMQConnection) {
    self.id = id
    self.connection = connection
  }

  package var isOpen: Bool { reason == nil }

  private var process: SimulatedProcess { connection.process }

  private func checkOpen() throws {
    try process.checkAlive()
    guard let reason else { return }
    throw BrokerError(.closed, replyCode: reason.replyCode, message: "the channel is closed: \(reason.message)")
  }

  // MARK: - Calls

  package func ask(_ request: BrokerRequest, deadline: MonotonicInstant) async throws -> BrokerAnswer {
    try Task.checkCancellation()
    if let problem = request.problem { throw BrokerError(.invalidArgument, message: problem) }
    try checkOpen()
    let instant = try connection.instant(of: deadline)
    let call = process.pendingCall("RabbitMQ's answer", as: BrokerAnswer.self)
    call.expire(at: instant, with: SimulatedRabbitMQConnection.deadlineExceeded(sent: true))
    asked.append((request, call))
    connection.send([.ask(channel: id, request)])
    return try await call.value()
  }

  package func publish(
    _ publications: [BrokerPublication], deadline: MonotonicInstant
  ) async throws -> [BrokerPublishOutcome] {
    try Task.checkCancellation()
    if publications.isEmpty { return [] }
    if let problem = BrokerRequest.problem(publications) { throw BrokerError(.invalidArgument, message: problem) }
    try checkOpen()
    let instant = try connection.instant(of: deadline)
    let call = process.pendingCall("RabbitMQ's confirms", as: [BrokerPublishOutcome].self)
    let batch = confirms.begin(publications.count)
    publishing[batch] = call
    for (index, publication) in publications.enumerated() { confirms.add(publication, index, of: batch) }
    let id = id
    connection.send(publications.map { .publish(channel: id, $0) })
    let timer = process.host.kernel.schedule(at: instant) { [self] in
      publishing[batch] = nil
      let late = SimulatedRabbitMQConnection.deadlineExceeded(sent: true)
      if let outcomes = confirms.abandon(batch, late) { call.resume(returning: outcomes) }
    }
    defer { process.host.kernel.cancel(timer) }
    return try await call.value()
  }

  package func consume(
    _ queue: String, prefetch: Int, isExclusive: Bool, deadline: MonotonicInstant
  ) async throws -> BrokerDeliveries {
    consumerCount += 1
    let tag = "zoco-\(id)-\(consumerCount)"
    let consumer = SimulatedConsumer(process: process)
    consumers[tag] = consumer
    do {
      _ = try await ask(
        .consume(queue, tag: tag, prefetch: prefetch, isExclusive: isExclusive), deadline: deadline)
    } catch {
      consumers[tag] = nil
      throw error
    }
    return BrokerDeliveries(consumerTag: tag, source: consumer)
  }

  package func acknowledge(_ tag: BrokerDeliveryTag, multiple: Bool) throws {
    try checkOpen()
    connection.send([.acknowledge(channel: id, tag.number, multiple: multiple)])
  }

  package func reject(_ tag: BrokerDeliveryTag, multiple: Bool, requeue: Bool) throws {
    try checkOpen()
    connection.send([.reject(channel: id, tag.number, multiple: multiple, requeue: requeue)])
  }

  package func close() {
    guard reason == nil else { return }
    connection.send([.closeChannel(id)])
    connection.forget(self)
    end(BrokerError(.closed, message: "the channel was closed by this program"))
  }

  // MARK: - What arrives

  func answered(_ answer: BrokerAnswer) {
    guard let (request, call) = asked.popFirst() else { return }
    if case .cancel(let tag) = request { consumers.removeValue(forKey: tag)?.end(.finished) }
    guard call.isEnded else { return call.resume(returning: answer) }
    // The caller gave up: what the broker handed over goes back.
    switch (request, answer) {
    case (.consume(_, let tag, _, _), _):
      consumers[tag] = nil
      asked.append((.cancel(tag), process.pendingCall("nobody", as: BrokerAnswer.self)))
      asked[asked.count - 1].call.fail(CancellationError())
      connection.send([.ask(channel: id, .cancel(tag))])
    case (.get, .delivery(let delivery?)):
      connection.send([.reject(channel: id, delivery.tag.number, multiple: false, requeue: true)])
    default: break
    }
  }

  func delivered(_ delivery: BrokerDelivery, to tag: String) {
    guard let consumer = consumers[tag] else {
      // Its consumer has been given up and is being cancelled.
      return connection.send([.reject(channel: id, delivery.tag.number, multiple: false, requeue: true)])
    }
    consumer.push(delivery)
  }

  func returned(_ publication: BrokerPublication, _ code: BrokerReplyCode, _ text: String) {
    confirms.take(
      returned: publication.message, exchange: publication.exchange, routingKey: publication.routingKey, code, text)
  }

  func confirmed(_ number: UInt64, _ isAck: Bool) {
    for done in confirms.take(tag: number, multiple: false, isAck: isAck) { finished(done) }
  }

  private func finished(_ done: PublishConfirms.Finished) {
    publishing.removeValue(forKey: done.batch)?.resume(returning: done.outcomes)
  }

  func consumerCancelled(_ tag: String) {
    consumers.removeValue(forKey: tag)?.end(
      .failed(BrokerError(.consumerEnded, message: "the broker ended the consumer: its queue is gone")))
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
    guard self.reason == nil else { return }
    self.reason = reason
    for (index, entry) in asked.enumerated() {
      var error = reason
      if reason.code != .refused { error.mayHaveTakenEffect = true }
      if index > 0 { error.inequivalence = nil }
      entry.call.fail(error)
    }
    let hadRequests = !asked.isEmpty
    asked = []
    for done in confirms.failAll(reason, requestsUnderWay: hadRequests) { finished(done) }
    for tag in consumers.keys.sorted() { consumers[tag]?.end(.failed(reason)) }
    consumers = [:]
  }
}
