import CallFixtures
import FoundationEssentials
import HTTPTypes
import InventoryAPI
import Seams
import ServiceKit
import Testing

@Suite struct HTTPInventoryClientTests {
  private static let order = UUID(high: 0xA, low: 1)
  private static let id = UUID(high: 0xB, low: 2)
  private static let socks = UUID(high: 0xC, low: 3)
  private static let hats = UUID(high: 0xC, low: 4)
  private static let lines = [
    InventoryLine(productId: hats, quantity: 1), InventoryLine(productId: socks, quantity: 2),
  ]
  private static let expiry = Timestamp(microsecondsSinceEpoch: 1_769_850_300_250_000)

  private static func reservation(_ status: InventoryReservation.Status) -> InventoryReservation {
    InventoryReservation(
      id: id, orderId: order, status: status, expiresAt: expiry,
      lines: [InventoryLine(productId: socks, quantity: 2), InventoryLine(productId: hats, quantity: 1)])
  }

  private static func answer(
    _ status: String, id: UUID = id, order: UUID = order, quantity: Int = 2, expiry: String = "\(expiry)"
  ) -> FixtureTransport.Turn {
    .answer(
      200,
      """
      {"reservationId":"\(id.canonicalText)","orderId":"\(order.canonicalText)","status":"\(status)",\
      "expiresAt":"\(expiry)","items":[{"productId":"\(socks.canonicalText)","quantity":\(quantity)},\
      {"productId":"\(hats.canonicalText)","quantity":1}],"later":null}
      """)
  }

  private static func client<Value: Sendable>(
    _ turns: FixtureTransport.Turn...,
    call: @escaping @Sendable (HTTPInventoryClient, CallContext) async throws -> Value
  ) -> Play<Value> {
    play(turns) { peer, context in try await call(HTTPInventoryClient(peer: peer), context) }
  }

  private static func reserve(_ turns: FixtureTransport.Turn..., ttl: Int? = nil) -> Play<ReserveResult> {
    play(turns) { peer, context in
      try await HTTPInventoryClient(peer: peer).reserve(
        orderId: order, lines: lines, ttlSeconds: ttl, context: context)
    }
  }

  private static func confirm(_ turns: FixtureTransport.Turn...) -> Play<ConfirmResult> {
    play(turns) { peer, context in
      try await HTTPInventoryClient(peer: peer).confirm(reservationId: id, context: context)
    }
  }

  // MARK: reserve

  @Test func aReservationIsAskedForAndRead() throws {
    let play = Self.reserve(Self.answer("pending"), ttl: 60)
    #expect(play.value == .reserved(Self.reservation(.pending)))
    let sent = try #require(play.sent.first)
    #expect(sent.head.method == .post && sent.head.path == "/inventory/reserve")
    #expect(
      sent.body == """
        {"orderId":"\(Self.order.canonicalText)","items":[{"productId":"\(Self.hats.canonicalText)","quantity":1},\
        {"productId":"\(Self.socks.canonicalText)","quantity":2}],"ttlSeconds":60}
        """)
  }

  @Test func anEarlierReservationMayBeConfirmed() {
    #expect(Self.reserve(Self.answer("confirmed")).value == .reserved(Self.reservation(.confirmed)))
  }

  @Test(arguments: [
    (
      FixtureTransport.Turn.problem(404, "product_not_found", #","productIds":["\#(socks.canonicalText)"]"#),
      ReserveResult.productsNotFound([socks], isConclusive: true)
    ),
    (
      .problem(
        409, "insufficient_stock",
        #","shortages":[{"productId":"\#(socks.canonicalText)","requested":2,"available":0}]"#),
      .insufficientStock([StockShortage(productId: socks, requested: 2, available: 0)], isConclusive: true)
    ),
    (.problem(409, "reservation_not_pending", #","reservationStatus":"released""#), .notPending(.released)),
    (.problem(410, "reservation_expired"), .expired),
    (.problem(422, "idempotency_key_reused"), .otherLines),
  ])
  func aRefusalToReserveIsAResult(turn: FixtureTransport.Turn, result: ReserveResult) {
    let play = Self.reserve(turn)
    #expect(play.value == result && play.sent.count == 1, "\(String(describing: play.error))")
  }

  /// An attempt that was refused before it was sent, or turned away, has done nothing; one without an answer may yet arrive.
  @Test(arguments: [
    (FixtureTransport.Turn.fails(.connectionRefused), true), (.answer(429, ""), true),
    (.fails(.connectionReset), false), (.silence, false), (.answer(503, ""), false),
  ])
  func aRefusalAfterALostAttemptIsNotConclusive(turn: FixtureTransport.Turn, isConclusive: Bool) {
    let refusal = FixtureTransport.Turn.problem(
      404, "product_not_found", #","productIds":["\#(Self.socks.canonicalText)"]"#)
    #expect(Self.reserve(turn, refusal).value == .productsNotFound([Self.socks], isConclusive: isConclusive))
    #expect(
      Self.reserve(turn, .fails(.connectionRefused), refusal).value
        == .productsNotFound([Self.socks], isConclusive: isConclusive))
  }

  @Test(arguments: [
    answer("released"), answer("lost"), answer("pending", order: id), answer("pending", quantity: 3),
    answer("pending", quantity: 0), answer("pending", expiry: "tomorrow"), .answer(200, #"{"status":"pending"}"#),
    .answer(201, "{}"), .problem(404, "product_not_found"),
    .problem(404, "product_not_found", #","productIds":["socks"]"#), .problem(409, "insufficient_stock"),
    .problem(409, "insufficient_stock", #","shortages":[]"#),
    .problem(409, "reservation_not_pending", #","reservationStatus":"pending""#),
    .cut(200), .cut(409), .answer(409, "{"),
  ])
  func anAnswerThatIsNotWholeIsAmbiguousAndAskedForAgain(turn: FixtureTransport.Turn) throws {
    let play = Self.reserve(turn)
    let error = try #require(play.error, "\(String(describing: play.value))")
    #expect(error.code == .malformedAnswer && error.disposition == .ambiguous && play.sent.count == 4)
    #expect(Self.reserve(turn, Self.answer("pending")).value == .reserved(Self.reservation(.pending)))
  }

  @Test(arguments: [
    FixtureTransport.Turn.answer(429, "", fields: [.retryAfter: "2"]), .answer(503, ""), .silence,
    .fails(.connectionRefused), .fails(.connectionReset),
  ])
  func aFailureIsRetriedWithTheSameRequest(turn: FixtureTransport.Turn) {
    let play = Self.reserve(turn, turn, turn, Self.answer("pending"))
    #expect(play.value == .reserved(Self.reservation(.pending)))
    #expect(play.sent.count == 4 && Set(play.sent.map(\.body)).count == 1)
    #expect(play.lines.map { $0.metadata["call"] } == Array(repeating: "reserve", count: 4))
  }

  // MARK: confirm, release

  @Test func aConfirmedReservationIsRead() throws {
    let play = Self.confirm(Self.answer("confirmed"))
    #expect(play.value == .confirmed(Self.reservation(.confirmed)))
    let sent = try #require(play.sent.first)
    #expect(sent.head.path == "/inventory/confirm/\(Self.id.canonicalText)" && sent.body.isEmpty)
  }

  @Test(arguments: [
    (FixtureTransport.Turn.problem(404, "reservation_not_found"), ConfirmResult.notFound),
    (.problem(409, "reservation_not_pending", #","reservationStatus":"released""#), .notPending(.released)),
    (.problem(410, "reservation_expired"), .expired),
  ])
  func aRefusalToConfirmIsAResult(turn: FixtureTransport.Turn, result: ConfirmResult) {
    #expect(Self.confirm(turn).value == result)
  }

  @Test(arguments: [answer("pending"), answer("confirmed", id: order)])
  func anotherReservationIsNotTakenForAConfirmedOne(turn: FixtureTransport.Turn) throws {
    #expect(try #require(Self.confirm(turn).error).code == .malformedAnswer)
  }

  @Test(arguments: [
    (answer("released"), ReleaseResult.ended(reservation(.released))),
    (answer("expired"), .ended(reservation(.expired))),
    (.problem(409, "reservation_not_pending", #","reservationStatus":"confirmed""#), .confirmed),
  ])
  func aReleaseByIdOrByOrderIsRead(turn: FixtureTransport.Turn, result: ReleaseResult) throws {
    let byId = Self.client(turn) { client, context in
      try await client.release(reservationId: Self.id, reason: .paymentFailed, context: context)
    }
    #expect(byId.value == result)
    let sent = try #require(byId.sent.first)
    #expect(sent.head.path == "/inventory/release/\(Self.id.canonicalText)")
    #expect(sent.body == #"{"reason":"payment_failed"}"#)
    let byOrder = Self.client(turn) { client, context in
      try await client.release(orderId: Self.order, reason: .orphan, context: context)
    }
    #expect(byOrder.value == result)
    #expect(byOrder.sent.first?.head.path == "/inventory/release")
    #expect(byOrder.sent.first?.body == #"{"orderId":"\#(Self.order.canonicalText)","reason":"orphan"}"#)
  }

  @Test func aReleaseByOrderKnowsNoMissingReservation() throws {
    let missing = FixtureTransport.Turn.problem(404, "reservation_not_found")
    let byId = Self.client(missing) { client, context in
      try await client.release(reservationId: Self.id, reason: .timeout, context: context)
    }
    #expect(byId.value == .notFound)
    let byOrder = Self.client(missing) { client, context in
      try await client.release(orderId: Self.order, reason: .timeout, context: context)
    }
    #expect(try #require(byOrder.error).disposition == .permanent)
  }

  @Test(arguments: [
    answer("pending"), .problem(409, "reservation_not_pending", #","reservationStatus":"released""#),
  ])
  func aReleaseThatReleasedNothingIsMalformed(turn: FixtureTransport.Turn) throws {
    let play = Self.client(turn) { client, context in
      try await client.release(reservationId: Self.id, reason: .cancelled, context: context)
    }
    #expect(try #require(play.error).code == .malformedAnswer)
  }

  // MARK: Reads and stock

  @Test func aReservationIsReadOrIsNotThere() {
    for status in InventoryReservation.Status.allCases {
      let play = Self.client(Self.answer(status.rawValue)) { client, context in
        try await client.reservation(id: Self.id, context: context)
      }
      #expect(play.value == Self.reservation(status))
      #expect(play.sent.first?.head.path == "/inventory/reservations/\(Self.id.canonicalText)")
    }
    let missing = Self.client(.problem(404, "reservation_not_found")) { client, context in
      try await client.reservation(id: Self.id, context: context)
    }
    #expect(missing.value == .some(nil))
  }

  private static func level(_ id: UUID, quantity: Int = 5, reserved: Int = 2) -> String {
    """
    {"productId":"\(id.canonicalText)","quantity":\(quantity),"reserved":\(reserved),\
    "available":\(quantity - reserved),"version":7}
    """
  }

  @Test func itemsAreReadByTheirIds() {
    let play = Self.client(.answer(200, #"{"items":[\#(Self.level(Self.socks))]}"#)) { client, context in
      try await client.items(ids: [Self.socks, Self.hats], context: context)
    }
    #expect(play.value == [StockLevel(productId: Self.socks, quantity: 5, reserved: 2, version: 7)])
    #expect(play.value?.first?.available == 3)
    let ids = "\(Self.socks.canonicalText),\(Self.hats.canonicalText)"
    #expect(play.sent.first?.head.path == "/inventory?ids=\(ids)" && play.sent.first?.head.method == .get)
  }

  @Test(arguments: [level(id), level(socks, reserved: 6), level(socks, quantity: -1, reserved: 0)])
  func itemsThatCannotBeAreMalformed(item: String) throws {
    let play = Self.client(.answer(200, #"{"items":[\#(item)]}"#)) { client, context in
      try await client.items(ids: [Self.socks], context: context)
    }
    #expect(try #require(play.error).code == .malformedAnswer)
  }

  @Test func aProductIsCreatedOrIsThere() {
    let create: @Sendable (HTTPInventoryClient, CallContext) async throws -> CreateStockResult = { client, context in
      try await client.create(productId: Self.socks, quantity: 5, context: context)
    }
    let created = Self.client(.answer(201, Self.level(Self.socks, reserved: 0)), call: create)
    #expect(created.value == .created(StockLevel(productId: Self.socks, quantity: 5, reserved: 0, version: 7)))
    #expect(created.sent.first?.head.path == "/inventory/\(Self.socks.canonicalText)")
    #expect(created.sent.first?.head.method == .put)
    #expect(created.sent.first?.body == #"{"quantity":5,"version":0}"#)
    let exists = Self.client(.problem(409, "version_conflict", #","currentVersion":3"#), call: create)
    #expect(exists.value == .exists(version: 3))
  }
}
