import CallFixtures
import FoundationEssentials
import HTTPTypes
import Payments
import Seams
import ServiceKit
import Testing

@Suite struct HTTPPaymentProviderTests {
  private static let id = UUID(high: 0xF, low: 1)
  private static let charge = Charge(orderId: order(1), amount: 1999, currency: "EUR", token: "tok_ok")

  private static func captured(_ status: String = "captured", id: UUID = id) -> FixtureTransport.Turn {
    .answer(200, #"{"paymentId":"\#(id.canonicalText)","status":"\#(status)"}"#)
  }

  private static func charge(_ turns: FixtureTransport.Turn...) -> Play<ChargeResult> {
    play(turns) { peer, context in
      try await HTTPPaymentProvider(peer: peer).charge(charge, idempotencyKey: "key 1", context: context)
    }
  }

  @Test func aChargeIsSentWithItsKey() throws {
    let play = Self.charge(Self.captured())
    #expect(play.value == .captured(paymentId: Self.id))
    let sent = try #require(play.sent.first)
    #expect(sent.head.path == "/payments" && sent.head.headerFields[.idempotencyKey] == "key 1")
    #expect(
      sent.body == #"{"orderId":"\#(order(1).canonicalText)","amount":1999,"currency":"EUR","token":"tok_ok"}"#)
  }

  @Test func everyAttemptHasTheSameKeyAndBody() {
    let play = Self.charge(.silence, .cut(200), .answer(503, ""), Self.captured())
    #expect(play.value == .captured(paymentId: Self.id) && play.sent.count == 4)
    #expect(Set(play.sent.map { $0.head.headerFields[.idempotencyKey] }) == ["key 1"])
    #expect(Set(play.sent.map(\.body)).count == 1)
  }

  @Test func refusalsAreResults() {
    #expect(Self.charge(.problem(402, "payment_declined")).value == .declined(detail: "so"))
    #expect(Self.charge(.problem(422, "idempotency_key_reused")).value == .keyReused)
  }

  @Test(arguments: [captured("refunded"), captured("pending"), .answer(200, "{}"), .answer(402, "declined")])
  func anAnswerThatSaysNoCaptureIsNone(turn: FixtureTransport.Turn) throws {
    let error = try #require(Self.charge(turn).error)
    #expect(error.code == .malformedAnswer && error.disposition == .ambiguous)
  }

  @Test func aRefundIsOfThePaymentThatWasAskedFor() throws {
    func refund(_ turn: FixtureTransport.Turn) -> Play<RefundResult> {
      play([turn]) { peer, context in
        try await HTTPPaymentProvider(peer: peer).refund(paymentId: Self.id, context: context)
      }
    }
    let refunded = refund(Self.captured("refunded"))
    #expect(refunded.value == .refunded)
    #expect(refunded.sent.first?.head.path == "/payments/\(Self.id.canonicalText)/refund")
    #expect(refund(.problem(404, "payment_not_found")).value == .notFound)
    #expect(try #require(refund(Self.captured("refunded", id: order(7))).error).code == .malformedAnswer)
    #expect(try #require(refund(Self.captured()).error).code == .malformedAnswer)
  }

  @Test func aListIsOfTheOrderThatWasAskedFor() throws {
    func list(_ orderId: UUID) -> Play<[Payment]> {
      let item = """
        {"paymentId":"\(Self.id.canonicalText)","orderId":"\(orderId.canonicalText)","amount":5,"currency":"EUR",\
        "status":"refunded"}
        """
      return play([.answer(200, #"{"items":[\#(item)]}"#)]) { peer, context in
        try await HTTPPaymentProvider(peer: peer).payments(orderId: order(1), context: context)
      }
    }
    let listed = list(order(1))
    #expect(
      listed.value == [Payment(id: Self.id, orderId: order(1), amount: 5, currency: "EUR", status: .refunded)])
    #expect(listed.sent.first?.head.path == "/payments?orderId=\(order(1).canonicalText)")
    #expect(try #require(list(order(2)).error).code == .malformedAnswer)
  }
}
