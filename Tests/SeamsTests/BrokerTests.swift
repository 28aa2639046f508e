import NIOCore
import Seams
import Testing

@Suite struct BrokerTableTests {
  @Test func entriesAreInTheOrderOfTheirNamesHoweverTheyCame() {
    var table: BrokerTable = ["b": 2, "a": 1, "c": true]
    #expect(table.entries.map(\.name) == ["a", "b", "c"])
    #expect(table == ["c": true, "a": 1, "b": 2])
    table["b"] = nil
    table["a"] = "x"
    table["none"] = nil
    #expect(table == ["a": "x", "c": true])
    #expect(table["b"] == nil)
    #expect(table.description == #"{a: "x", c: true}"#)
  }

  @Test func deathsAreReadFromTheHeaders() {
    let death: BrokerTable = [
      "reason": "expired", "queue": "wait", "count": 3, "exchange": "", "routing-keys": .array(["k"]),
      "time": .timestamp(5), "original-expiration": "1000",
    ]
    var message = BrokerMessage(body: ByteBuffer())
    #expect(message.deaths.isEmpty)
    message.headers = ["x-death": .array([.table(death), .string("not one"), .table([:])])]
    #expect(message.deaths.count == 1)
    #expect(message.deaths.first?.count == 3)
    #expect(message.deaths.first?.routingKeys == ["k"])
    #expect(message.deaths.first?.originalExpiration == "1000")
  }

  @Test func aQueuesUsualArgumentsAreTyped() {
    var queue = BrokerQueue("q")
    queue.messageTTL = .milliseconds(1500)
    queue.expires = .seconds(60)
    queue.maximumLength = 3
    queue.overflow = .rejectPublish
    queue.deadLetterExchange = "dlx"
    queue.deadLetterRoutingKey = "dead"
    let expected: BrokerTable = [
      "x-message-ttl": 1500, "x-expires": 60_000, "x-max-length": 3, "x-overflow": "reject-publish",
      "x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "dead",
    ]
    #expect(queue.arguments == expected)
    #expect(queue.messageTTL == .milliseconds(1500))
    queue.messageTTL = nil
    #expect(queue.arguments["x-message-ttl"] == nil)
  }

  @Test func mergedTopologiesHaveEachPartOnce() {
    let exchange = BrokerExchange("x", .topic)
    let left = BrokerTopology(exchanges: [exchange], queues: [BrokerQueue("a")])
    let right = BrokerTopology(exchanges: [exchange], queues: [BrokerQueue("b"), BrokerQueue("a")])
    let merged = left.merged(with: right)
    #expect(merged.exchanges == [exchange])
    #expect(merged.queues.map(\.name) == ["a", "b"])
  }
}

@Suite struct BrokerErrorTests {
  @Test(arguments: [
    (BrokerError(.refused, replyCode: .preconditionFailed, message: ""), FailureDisposition.permanent),
    (BrokerError(.refused, replyCode: .resourceLocked, message: ""), .retryable),
    (BrokerError(.connectionLost, replyCode: .connectionForced, message: ""), .retryable),
    (BrokerError(.connectionLost, message: "", mayHaveTakenEffect: true), .ambiguous),
    (BrokerError(.refused, replyCode: .notFound, message: "", mayHaveTakenEffect: true), .ambiguous),
    (BrokerError(.connectFailed, replyCode: .accessRefused, message: ""), .permanent),
    (BrokerError(.invalidArgument, message: ""), .permanent), (BrokerError(.closed, message: ""), .retryable),
  ])
  func saysWhetherToTryAgain(_ error: BrokerError, _ disposition: FailureDisposition) {
    #expect(error.disposition == disposition)
  }

  @Test func bothSidesOfADeclarationAreReadFromTheText() throws {
    let text =
      "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'it's' in vhost '/': received none but current is "
      + "the value '1000' of type 'long'"
    let found = try #require(BrokerError.Inequivalence(text: text, declared: "queue 'it's'"))
    #expect(found.subject == "queue 'it's' in vhost '/'")
    #expect(found.argument == "x-message-ttl")
    #expect([found.received, found.current] == ["none", "the value '1000' of type 'long'"])
    #expect(BrokerError.Inequivalence(text: "PRECONDITION_FAILED - unknown delivery tag 7", declared: "") == nil)
    var error = BrokerError(.refused, replyCode: .preconditionFailed, message: text)
    error.inequivalence = found
    #expect("\(error)".contains("x-message-ttl is the value '1000' of type 'long' there, none here"))
  }
}

@Suite struct PublishConfirmsTests {
  private func publication(_ id: String, isMandatory: Bool = false) -> BrokerPublication {
    BrokerPublication(
      exchange: "x", routingKey: "k", message: BrokerMessage(body: ByteBuffer(string: id), messageID: id),
      isMandatory: isMandatory)
  }

  private func text(_ outcomes: [BrokerPublishOutcome]) -> String {
    outcomes.map { outcome in
      switch outcome {
      case .confirmed: "ack"
      case .nacked: "nack"
      case .returned(let code, _): "\(code)"
      case .failed(let error): "\(error.code)"
      }
    }.joined(separator: " ")
  }

  private func begin(_ confirms: inout PublishConfirms, _ publications: [BrokerPublication]) -> Int {
    let batch = confirms.begin(publications.count)
    for (index, publication) in publications.enumerated() { confirms.add(publication, index, of: batch) }
    return batch
  }

  @Test func oneWordMayCoverManyMessagesOfManyCalls() {
    var confirms = PublishConfirms()
    let first = begin(&confirms, (1...3).map { publication("\($0)") })
    let second = begin(&confirms, (4...6).map { publication("\($0)") })
    #expect(confirms.take(tag: 2, multiple: false, isAck: false).isEmpty)
    #expect(confirms.take(tag: 5, multiple: false, isAck: true).isEmpty)
    let done = confirms.take(tag: 4, multiple: true, isAck: true)
    #expect(done.map(\.batch) == [first])
    #expect(done.map { text($0.outcomes) } == ["ack nack ack"])
    let rest = confirms.take(tag: 0, multiple: true, isAck: true)
    #expect(rest.map(\.batch) == [second])
    #expect(rest.map { text($0.outcomes) } == ["ack ack ack"])
    #expect(confirms.isEmpty)
    #expect(confirms.take(tag: 6, multiple: true, isAck: true).isEmpty)
  }

  @Test func aReturnCountsForTheMessageThatLooksLikeIt() {
    var confirms = PublishConfirms()
    _ = begin(&confirms, [publication("1", isMandatory: true), publication("2"), publication("3", isMandatory: true)])
    confirms.take(returned: publication("3").message, exchange: "x", routingKey: "k", .noRoute, "NO_ROUTE")
    confirms.take(returned: publication("2").message, exchange: "x", routingKey: "k", .noRoute, "NO_ROUTE")
    let done = confirms.take(tag: 3, multiple: true, isAck: true)
    #expect(done.map { text($0.outcomes) } == ["ack ack 312"])
  }

  @Test func whatWasGivenUpIsForgottenWhenItsConfirmComes() {
    var confirms = PublishConfirms()
    let batch = begin(&confirms, [publication("1"), publication("2")])
    _ = confirms.take(tag: 1, multiple: false, isAck: true)
    let late = BrokerError(.deadlineExceeded, message: "", mayHaveTakenEffect: true)
    #expect(confirms.abandon(batch, late).map(text) == "ack deadline_exceeded")
    let isForgotten = confirms.abandon(batch, late) == nil
    #expect(isForgotten)
    #expect(confirms.take(tag: 2, multiple: false, isAck: true).isEmpty)
    let next = begin(&confirms, [publication("3")])
    let lost = confirms.failAll(BrokerError(.connectionLost, message: ""), requestsUnderWay: false)
    #expect(lost.map(\.batch) == [next])
    #expect(confirms.isEmpty)
  }

  @Test(arguments: [
    (1, false, "NOT_FOUND - no exchange 'x' in vhost '/'", FailureDisposition.permanent),
    (2, false, "NOT_FOUND - no exchange 'x' in vhost '/'", .ambiguous),
    (1, true, "NOT_FOUND - no queue 'q' in vhost '/'", .ambiguous),
    (1, false, "PRECONDITION_FAILED - unknown delivery tag 7", .ambiguous),
  ])
  func onlyTheOneThatWasRefusedDidNotArrive(
    _ count: Int, _ hadRequests: Bool, _ text: String, _ disposition: FailureDisposition
  ) {
    var confirms = PublishConfirms()
    _ = begin(&confirms, (0..<count).map { publication("\($0)") })
    let refusal = BrokerError(.refused, replyCode: .notFound, message: text)
    for case .failed(let error) in confirms.failAll(refusal, requestsUnderWay: hadRequests).flatMap(\.outcomes) {
      #expect(error.disposition == disposition)
    }
  }
}
