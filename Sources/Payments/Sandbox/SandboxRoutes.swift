import FoundationEssentials
import HTTPTypes
import Hummingbird
import Seams
import ServiceKit

/// The sandbox's HTTP interface (CONTRACT, "Payments sandbox").
struct SandboxRoutes: Sendable {
  let store: any PaymentStore
  let environment: ServiceEnvironment

  /// Adds the routes to `router`.
  func add(to router: Router<ServiceContext>) {
    router.post("/payments") { request, context in try await charge(request, context) }
    router.post("/payments/:paymentId/refund") { _, context in try await refund(context) }
    router.get("/payments") { request, _ in try await list(request) }
  }

  private func charge(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let (charge, key) = try Self.charge(request, context.body)
    let attempt: Int
    switch await store.begin(key: key, hash: Self.hash(charge)) {
    case .otherRequest: throw Problem.idempotencyKeyReused
    case .captured(let payment): return Self.captured(payment, headers: [.idempotencyReplayed: "true"])
    case .open(let number): attempt = number
    }
    switch SandboxToken(rawValue: charge.token) {
    case .ok: break
    case .declined: throw Problem.paymentDeclined("The means of payment was declined. Use another one.")
    case .slow:
      let clock = environment.clock
      try await clock.sleep(until: clock.now.advanced(by: SandboxToken.slowness), tolerance: nil)
    case .flaky:
      guard attempt > SandboxToken.flakyFailures else {
        throw Problem.upstreamUnavailable("The sandbox fails as tok_flaky asks it to. Send the same request again.")
      }
    case .lost:
      let payment = await store.capture(payment(charge), key: key)
      return Self.captured(payment, headers: attempt == 1 ? [.dropConnection: "true"] : [:])
    case nil:
      let known = SandboxToken.allCases.map(\.rawValue).joined(separator: ", ")
      throw Problem.paymentDeclined("The token stands for no means of payment. The sandbox knows \(known).")
    }
    return Self.captured(await store.capture(payment(charge), key: key))
  }

  private func refund(_ context: ServiceContext) async throws -> Response {
    // The call has no parameters: `{}` is accepted, a member is refused by name.
    if context.body.readableBytes > 0 { try ObjectReader(context.body).finish() }
    let id = try context.uuidParameter("paymentId")
    guard let payment = await store.refund(id) else { throw Problem.paymentNotFound(id) }
    return Self.response(payment)
  }

  private func list(_ request: Request) async throws -> Response {
    let query = QueryReader(request)
    let orderIds = query.uuids("orderId", count: 1...1)
    try query.finish()
    let payments = await store.payments(orderId: orderIds[0])
    return .json { json in
      json.member("items", in: payments) { json, payment in
        json.object { json in
          json.member("paymentId", payment.id)
          json.member("orderId", payment.orderId)
          json.member("amount", payment.amount)
          json.member("currency", payment.currency)
          json.member("status", payment.status.rawValue)
        }
      }
    }
  }

  private static func charge(_ request: Request, _ body: ByteBuffer) throws(Problem) -> (Charge, key: String) {
    let reader = try ObjectReader(body)
    let charge = Charge(
      orderId: reader.uuid("orderId"), amount: reader.integer("amount", in: 1...1_000_000_000_000),
      currency: reader.string("currency", length: 3...3), token: reader.string("token", length: 1...255))
    if !charge.currency.isEmpty, !charge.currency.utf8.allSatisfy({ (65...90).contains($0) }) {
      reader.fail("currency", "expected an ISO 4217 code: three upper-case letters")
    }
    let key = reader.idempotencyKey(of: request)
    try reader.finish()
    return (charge, key)
  }

  /// SHA-256 of the validated request with sorted keys (CONTRACT, `idempotency_key_reused`).
  private static func hash(_ charge: Charge) -> [UInt8] {
    var json = JSONWriter(capacity: 192)
    json.object { json in
      json.member("amount", charge.amount)
      json.member("currency", charge.currency)
      json.member("orderId", charge.orderId)
      json.member("token", charge.token)
    }
    return RequestHash.sha256(json.buffer)
  }

  private func payment(_ charge: Charge) -> Payment {
    Payment(
      id: environment.entropy.uuid(), orderId: charge.orderId, amount: charge.amount, currency: charge.currency,
      status: .captured)
  }

  /// The answer to a charge, which says that it was captured, whatever became of it since.
  private static func captured(_ payment: Payment, headers: HTTPFields = [:]) -> Response {
    var payment = payment
    payment.status = .captured
    return response(payment, headers: headers)
  }

  private static func response(_ payment: Payment, headers: HTTPFields = [:]) -> Response {
    .json(headers: headers) { json in
      json.member("paymentId", payment.id)
      json.member("status", payment.status.rawValue)
    }
  }
}

extension Problem {
  /// 402: the customer's means of payment was declined.
  static func paymentDeclined(_ detail: String) -> Problem {
    Problem(
      status: HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required"), code: "payment_declined",
      title: "The payment was declined", detail: detail)
  }

  /// 404: the payment does not exist.
  static func paymentNotFound(_ id: UUID) -> Problem {
    Problem(
      status: .notFound, code: "payment_not_found", title: "The payment does not exist",
      detail: "No payment has the id \(id.canonicalText).")
  }
}
