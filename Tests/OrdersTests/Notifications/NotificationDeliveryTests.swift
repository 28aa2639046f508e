import CallFixtures
import FoundationEssentials
import HTTPTypes
import NIOCore
import Seams
import ServiceKit
import SimulatedPostgres
import SimulationKernel
import Testing

@testable import Orders

/// Notifications on their way from the table to the receiver.
@Suite struct NotificationDeliveryTests {
  private static func bench(_ turns: [ScriptedReceiver.Turn] = [], seed: UInt64 = 1) throws -> OrdersBench {
    let bench = try OrdersBench(seed: seed)
    bench.receiver = ScriptedReceiver(turns)
    return bench
  }

  /// Without jitter in the pauses between attempts, which are looked for every half second.
  private static var steady: OrdersConfiguration {
    var options = NotificationOptions()
    options.backOff.jitter = 0
    return OrdersConfiguration(notifications: options)
  }

  /// Whether each pause is as long as it should be, give or take the look that finds the row.
  private static func follow(_ pauses: [Duration], _ expected: [Int]) -> Bool {
    pauses.count == expected.count
      && zip(pauses, expected).allSatisfy { (.zero ... .milliseconds(1_200)).contains($0 - .seconds($1)) }
  }

  @Test func theEndOfAnOrderIsPostedOnceAndSigned() throws {
    let bench = try Self.bench()
    bench.run { callers in
      let correlation = HTTPField.Name("X-Correlation-ID")!
      let answer = try await callers[0].send(
        .post, "/orders",
        #"{"items": [{"productId": "\#(product(1).canonicalText)", "quantity": 2}], "paymentToken": "tok_ok"}"#,
        headers: [
          HTTPField.Name("Idempotency-Key")!: "key-1", correlation: "01900000-0000-4000-8000-00000000000c",
        ])
      _ = try await callers[0].settled(answer.orderId)
      try await callers[0].pause(.seconds(120))
    }
    let post = try #require(bench.receiver?.posts.first)
    #expect(bench.receiver?.posts.count == 1)
    #expect(post.head.method == .post && post.head.authority == "receiver:9000")
    #expect(post.head.path == "/hooks/orders?shop=1" && post.field("Content-Type") == "application/json")
    #expect(post.field("X-Correlation-ID") == "01900000-0000-4000-8000-00000000000c")
    let timestamp = try #require(Int64(post.field("X-Zoco-Timestamp")))
    #expect(
      post.field("X-Zoco-Signature")
        == WebhookSignature.value(
          secret: ScriptedReceiver.secret, timestamp: timestamp, body: ByteBuffer(string: post.body)))
    let row = bench.rows("notifications", "id", "order_id", "attempts", "error")
    let order = post.json["orderId"]?.string ?? ""
    #expect(row == ["\(post.id) \(order) 1 -"] && bench.rows("notifications", "delivered_at") != ["-"])
    let created = try #require(Timestamp(post.json["createdAt"]?.string ?? ""))
    #expect(
      post.body == """
        {"id":"\(post.id)","type":"order_confirmed","orderId":"\(order)","userId":"ada","status":"CONFIRMED",\
        "total":200,"currency":"EUR","createdAt":"\(created)"}
        """)
  }

  @Test func anOrderThatFailedSaysWhy() throws {
    let bench = try Self.bench()
    bench.run { callers in
      _ = try await callers[0].settled(try await callers[0].order(token: "tok_declined").orderId)
      try await callers[0].pause(.seconds(2))
    }
    let json = try #require(bench.receiver?.posts.first?.json)
    #expect(json["type"]?.string == "order_failed" && json["status"]?.string == "FAILED")
    #expect(json["failure"]?["code"]?.string == "payment_declined")
    #expect(json["failure"]?["detail"]?.string?.isEmpty == false)
  }

  @Test func aReceiverThatIsDownIsTriedAgainWithLongerPausesUntilItTakesIt() throws {
    let bench = try Self.bench(Array(repeating: .answer(503), count: 12))
    bench.run(configuration: Self.steady) { callers in
      _ = try await callers[0].settled(try await callers[0].order().orderId)
      try await callers[0].pause(.seconds(1_600))
    }
    let receiver = try #require(bench.receiver)
    #expect(Self.follow(receiver.pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]), "\(receiver.pauses)")
    #expect(receiver.counts == [13] && Set(receiver.posts.map(\.body)).count == 1)
    #expect(bench.rows("notifications", "attempts", "error") == ["13 -"])
    let levels = bench.log.lines.filter { $0.message == "notification not delivered" }.map(\.level)
    #expect(levels == Array(repeating: "warning", count: 9) + ["error", "error", "error"])
  }

  @Test func theSignatureOfALaterAttemptHasItsOwnTime() throws {
    let bench = try Self.bench([.answer(500), .answer(500), .answer(500)])
    bench.run { callers in
      _ = try await callers[0].settled(try await callers[0].order().orderId)
      try await callers[0].pause(.seconds(20))
    }
    let receiver = try #require(bench.receiver)
    #expect(receiver.counts == [4])
    #expect(Set(receiver.posts.map { $0.field("X-Zoco-Signature") }).count == 4)
  }

  @Test func aReceiverThatRefusesIsAskedAgainAfterTheLongestPause() throws {
    let bench = try Self.bench([.answer(410), .answer(404)])
    bench.run(configuration: Self.steady) { callers in
      _ = try await callers[0].settled(try await callers[0].order().orderId)
      try await callers[0].pause(.seconds(700))
    }
    #expect(Self.follow(bench.receiver?.pauses ?? [], [300, 300]))
    #expect(bench.log.lines.contains { $0.level == "error" && $0.metadata["error"] == "the receiver answered 410" })
    #expect(bench.rows("notifications", "attempts", "error") == ["3 -"])
  }

  @Test func aReceiverMaySayHowLongToWait() throws {
    let bench = try Self.bench([.answer(429, [.retryAfter: "20"])])
    bench.run(configuration: Self.steady) { callers in
      _ = try await callers[0].settled(try await callers[0].order().orderId)
      try await callers[0].pause(.seconds(30))
    }
    #expect(Self.follow(bench.receiver?.pauses ?? [], [20]))
  }

  /// At least once: the receiver has it twice, and tells it by its id.
  @Test func aPostWhoseAnswerWasLostArrivesAgainUnderTheSameId() throws {
    let bench = try Self.bench([.lostAnswer])
    bench.run { callers in
      _ = try await callers[0].settled(try await callers[0].order().orderId)
      try await callers[0].pause(.seconds(10))
    }
    #expect(bench.receiver?.counts == [2])
    #expect(Set(bench.receiver?.posts.map(\.body) ?? []).count == 1)
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func twoInstancesShareTheRowsAndPostEachOnce(_ seed: UInt64) throws {
    let bench = try Self.bench(seed: seed)
    bench.run(instances: 2) { callers in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<60 {
          group.addTask {
            let caller = callers[number % 2]
            _ = try await caller.settled(try await caller.order(key: "key-\(number)").orderId)
          }
        }
        try await group.waitForAll()
      }
      try await callers[0].pause(.seconds(70))
    }
    #expect(bench.receiver?.counts == Array(repeating: 1, count: 60))
    #expect(bench.rows("notifications", "attempts") == Array(repeating: "1", count: 60))
  }

  @Test func aReceiverThatHangsHoldsUpNoOther() throws {
    let bench = try Self.bench([.silence])
    bench.run(configuration: Self.steady) { callers in
      for number in 0..<5 {
        _ = try await callers[0].settled(try await callers[0].order(key: "key-\(number)").orderId)
      }
      try await callers[0].pause(.seconds(3))
      check(bench.receiver?.counts == [1, 1, 1, 1, 1])
      check(bench.rows("notifications", "delivered_at").count { $0 == "-" } == 1)
      try await callers[0].pause(.seconds(12))
    }
    let receiver = try #require(bench.receiver)
    let slow = receiver.posts.filter { $0.id == receiver.posts[0].id }
    #expect(receiver.counts == [1, 1, 1, 1, 2])
    // The time of the request, and the first pause.
    #expect(Self.follow(zip(slow, slow.dropFirst()).map { $1.at - $0.at }, [11]))
  }

  @Test func aBacklogIsPostedByAFewAtATimeAndWithoutRest() throws {
    let bench = try Self.bench()
    let receiver = try #require(bench.receiver)
    for number in 1...30 { try bench.storeNotification(number) }
    let underWay = UnderWay()
    receiver.during = { _ in
      underWay.enter()
      defer { underWay.leave() }
      try await underWay.clock?.sleep(until: underWay.soon(.milliseconds(100)), tolerance: nil)
    }
    var options = NotificationOptions()
    options.concurrency = 3
    bench.run(configuration: OrdersConfiguration(notifications: options)) { callers in
      underWay.clock = callers[0].process.clock
      // Ten rounds of a tenth of a second each, and what the database takes.
      try await callers[0].pause(.seconds(2))
      check(receiver.posts.count == 30, "\(receiver.posts.count) in time")
    }
    #expect(underWay.most == 3 && receiver.counts == Array(repeating: 1, count: 30))
    #expect(!bench.rows("notifications", "delivered_at").contains("-"))
  }

  /// `@unchecked Sendable`: only the kernel's thread touches it.
  private final class UnderWay: @unchecked Sendable {
    private var count = 0
    private(set) var most = 0
    var clock: (any MonotonicClock)?

    func enter() {
      count += 1
      most = max(most, count)
    }

    func leave() { count -= 1 }

    func soon(_ time: Duration) -> MonotonicInstant { (clock?.now ?? .distantFuture).advanced(by: time) }
  }

  @Test func aShutdownRecordsThePostThatIsUnderWay() throws {
    let bench = try Self.bench()
    bench.run { callers in
      bench.receiver?.during = { _ in try await callers[0].pause(.seconds(4)) }
      _ = try await callers[0].settled(try await callers[0].order().orderId)
      try await callers[0].pause(.milliseconds(500))
      check(bench.rows("notifications", "attempts", "delivered_at") == ["1 -"])
    }
    #expect(bench.receiver?.counts == [1])
    #expect(bench.rows("notifications", "attempts", "error") == ["1 -"])
    #expect(bench.rows("notifications", "delivered_at") != ["-"])
  }

  @Test func withoutAReceiverANotificationIsALineOfTheLog() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      _ = try await callers[0].settled(try await callers[0].order(token: "tok_declined").orderId)
      try await callers[0].pause(.seconds(2))
    }
    let lines = bench.log.lines.filter { $0.message == "notification" }
    #expect(lines.count == 1 && lines.first?.level == "info")
    #expect(lines.first?.metadata["type"] == "order_failed" && lines.first?.metadata["user"] == "ada")
    #expect(lines.first?.metadata["data"]?.contains("payment_declined") == true)
    #expect(bench.rows("notifications", "attempts") == ["1"] && bench.rows("notifications", "delivered_at") != ["-"])
  }

  @Test func whatWasToldAMonthAgoIsRemoved() throws {
    let bench = try Self.bench()
    try bench.storeNotification(1, delivered: "now() - interval '29 days'")
    try bench.storeNotification(2, delivered: "now() - interval '31 days'")
    bench.run { callers in try await callers[0].pause(.seconds(700)) }
    #expect(bench.rows("notifications", "id") == [product(1).canonicalText])
    #expect(bench.receiver?.posts.isEmpty == true)
  }
}

extension OrdersBench {
  /// Puts a notification of a confirmed order into the table.
  ///
  /// - Parameter delivered: when it was, in SQL.
  fileprivate func storeNotification(_ number: Int, delivered: String = "NULL") throws {
    let id = product(number)
    try server.setUp(
      """
      INSERT INTO orders (id, user_id, total, currency, payment_token, correlation_id, status, saga_state)
      VALUES ('\(id)', 'ada', 1, 'EUR', 'tok_ok', '\(id)', 'CONFIRMED', 'done')
      """)
    try server.setUp(
      """
      INSERT INTO notifications (id, order_id, user_id, type, data, delivered_at)
      VALUES ('\(id)', '\(id)', 'ada', 'order_confirmed', '{"total":1,"currency":"EUR"}', \(delivered))
      """)
  }
}
