import FoundationEssentials
import HTTPTypes
import Inventory
import NIOCore
import Seams
import ServiceKit
import Testing

/// What the service refuses before it asks its database, which cannot be reached here.
@Suite struct RequestValidationTests {
  private static let productPath = "/inventory/\(product(1).canonicalText)"

  @Test func everyErrorOfAReserveIsListedAtOnce() {
    let answer = ask(
      .post, "/inventory/reserve",
      """
      {"orderId": "nine", "items": [{"productId": "\(product(1).canonicalText)", "quantity": 0}, {"quantity": 1001},
      7, {"productId": "\(product(1).canonicalText)", "quantity": 1, "qty": 1}], "ttlSeconds": 86401, "user": 1}
      """)
    #expect(answer.status == 400 && answer.code == "validation_failed")
    #expect(
      answer.fields == [
        "orderId", "items[0].quantity", "items[1].productId", "items[1].quantity", "items[2]",
        "items[3].productId", "items[3].qty",
        "ttlSeconds", "user",
      ])
  }

  @Test func aProductThatComesTwiceIsNamed() {
    let answer = ask(
      .post, "/inventory/reserve",
      """
      {"orderId": "\(order(1).canonicalText)", "items": [
      {"productId": "\(product(1).canonicalText)", "quantity": 1},
      {"productId": "\(product(2).canonicalText)", "quantity": 1},
      {"productId": "\(product(1).canonicalText.uppercased())", "quantity": 2}]}
      """)
    #expect(answer.status == 400)
    #expect(answer.fields == ["items[2].productId"])
  }

  @Test(arguments: [0, 51])
  func aReservationHasOneToFiftyLines(count: Int) {
    let lines = (0..<count).map { "{\"productId\": \"\(product($0 + 1).canonicalText)\", \"quantity\": 1}" }
    let answer = ask(
      .post, "/inventory/reserve",
      "{\"orderId\": \"\(order(1).canonicalText)\", \"items\": [\(lines.joined(separator: ","))]}")
    #expect(answer.status == 400)
    #expect(answer.fields == ["items"])
  }

  @Test func theTwoFormsOfAReserveDoNotMix() {
    let answer = ask(
      .post, "/inventory/reserve",
      """
      {"orderId": "\(order(1).canonicalText)", "productId": "\(product(1).canonicalText)", "quantity": 1, "items": []}
      """)
    #expect(answer.status == 400)
    #expect(answer.fields == ["items"])
  }

  @Test func aReserveWithoutLinesMissesItems() {
    let answer = ask(.post, "/inventory/reserve", "{\"orderId\": \"\(order(1).canonicalText)\"}")
    #expect(answer.fields == ["items"])
  }

  @Test(arguments: [
    "", "nonsense", "{\"orderId\":", "[1]", "{\"orderId\": 1, \"orderId\": 2}", "{\"quantity\": 1e400}", "null",
  ])
  func aBodyThatIsNoObjectIsRefused(body: String) {
    let answer = ask(.post, "/inventory/reserve", body)
    #expect(answer.status == 400)
    #expect(["malformed_json", "validation_failed"].contains(answer.code))
  }

  @Test func sqlInStringsIsAValueLikeAnyOther() {
    let answer = ask(
      .post, "/inventory/release",
      "{\"orderId\": \"'; DROP TABLE reservations; --\", \"reason\": \"' OR 1=1\"}")
    #expect(answer.status == 400)
    #expect(answer.fields == ["orderId", "reason"])
  }

  @Test(arguments: ["expired", "", "CANCELLED"])
  func aCallerGivesAReasonOfItsOwn(reason: String) {
    let answer = ask(
      .post, "/inventory/release", "{\"orderId\": \"\(order(1).canonicalText)\", \"reason\": \"\(reason)\"}")
    #expect(answer.status == 400)
    #expect(answer.fields == ["reason"])
  }

  @Test(arguments: [
    (HTTPRequest.Method.get, "/inventory/17"), (.get, "/inventory/reservations/x"),
    (.post, "/inventory/confirm/0"), (.get, "/inventory/00000000-0000-4000-8000-00000000000g"),
  ])
  func anIdInThePathIsAUUID(method: HTTPRequest.Method, path: String) {
    let answer = ask(method, path)
    #expect(answer.status == 400 && answer.code == "validation_failed")
    #expect(answer.fields.count == 1)
  }

  @Test func pathHeaderAndBodyAreJudgedTogether() {
    let answer = ask(.post, "/inventory/x/replenish", "{\"quantity\": 0, \"amount\": 5}")
    #expect(answer.status == 400)
    #expect(Set(answer.fields) == ["productId", "quantity", "Idempotency-Key", "amount"])
  }

  @Test(arguments: [("", 400), (String(repeating: "k", count: 256), 400), ("schlüssel", 400), ("k", 503)])
  func anIdempotencyKeyHasOneTo255PrintableCharacters(key: String, status: Int) {
    let answer = ask(
      .post, Self.productPath + "/replenish", "{\"quantity\": 1}", headers: [HTTPField.Name("Idempotency-Key")!: key])
    #expect(answer.status == status)
  }

  @Test(arguments: [
    ("{\"quantity\": -1, \"version\": -1}", ["quantity", "version"]),
    ("{\"quantity\": 1000000001, \"version\": 0}", ["quantity"]),
    ("{\"quantity\": 1.5, \"version\": \"1\"}", ["quantity", "version"]),
    ("{\"quantity\": 1}", ["version"]),
  ])
  func anUpdateNeedsAQuantityAndAVersion(body: String, fields: [String]) {
    let answer = ask(.put, Self.productPath, body)
    #expect(answer.status == 400)
    #expect(answer.fields == fields)
  }

  @Test(arguments: [
    ("/inventory", ["ids"]), ("/inventory?ids=", ["ids"]), ("/inventory?ids=1,2", ["ids[0]", "ids[1]"]),
    ("/inventory?ids=\(order(1).canonicalText)&ids=\(order(2).canonicalText)&page=2", ["ids", "page"]),
    ("/inventory/low-stock?threshold=-1&limit=0&x=1", ["threshold", "limit", "x"]),
    ("/inventory/most-reserved?limit=501", ["limit"]), ("/inventory/stats?limit=1", ["limit"]),
  ])
  func everyErrorOfAQueryIsListedAtOnce(path: String, fields: [String]) {
    let answer = ask(.get, path)
    #expect(answer.status == 400)
    #expect(answer.fields == fields)
  }

  @Test func atMostAHundredProductsAreReadAtOnce() {
    let ids = (1...101).map { product($0).canonicalText }
    #expect(ask(.get, "/inventory?ids=" + ids.joined(separator: ",")).fields == ["ids"])
    #expect(ask(.get, "/inventory?ids=" + ids.dropLast().joined(separator: ",")).status == 503)
  }

  @Test func theExpiryJobTakesNoParameters() {
    #expect(ask(.post, "/admin/reservations/expire", "{\"limit\": 1}").fields == ["limit"])
  }

  @Test(arguments: [
    (HTTPRequest.Method.get, "/inventory/\(product(1).canonicalText)", ""),
    (
      .post, "/inventory/reserve",
      "{\"orderId\": \"\(order(1).canonicalText)\", \"productId\": \"\(product(1).canonicalText)\", \"quantity\": 1}"
    ),
    (.post, "/inventory/confirm/\(order(1).canonicalText)", ""),
  ])
  func anUnreachableDatabaseIsUnavailableAndSaysWhenToComeBack(
    method: HTTPRequest.Method, path: String, body: String
  ) {
    let answer = ask(method, path, body)
    #expect(answer.status == 503 && answer.code == "upstream_unavailable")
    #expect(answer.headers[.retryAfter] == "1")
    #expect(!answer.text.contains("no server here"))
  }

  @Test func theServiceLivesButIsNotReadyWithoutItsDatabase() {
    #expect(ask(.get, "/health/live").status == 200)
    #expect(ask(.get, "/health/ready").status == 503)
  }
}
