import FoundationEssentials
import HTTPTypes
import Hummingbird
import Seams
import ServiceKit

/// What operators do, for programs in JSON and for people on a page (CONTRACT, "Orders").
///
/// All of it takes a service token and the role `admin`. What changes something is refused to pages of other sites.
struct AdminRoutes: Sendable {
  let database: OrdersDatabase
  let engine: SagaEngine
  let letters: DeadLetterStore
  let authentication: ServiceAuthentication
  let pages: OperationsPages

  /// Adds the routes to `router`.
  func add(to router: Router<ServiceContext>) {
    router.get("/admin/dlq") { request, context in try await list(request, context) }
    router.get("/admin/dlq/:letterId") { request, context in try await letter(request, context) }
    router.post("/admin/dlq/retry-all") { request, context in try await retryAll(request, context) }
    router.post("/admin/dlq/:letterId/retry") { request, context in try await retry(request, context) }
    router.delete("/admin/dlq/:letterId") { request, context in try await discard(request, context) }
    addSagaRoutes(to: router)
    addPages(to: router)
    addForms(to: router)
  }

  /// Who changes something.
  func actor(of request: Request) throws(Problem) -> String {
    let actor = try authentication.administrator(of: request)
    try CrossSiteGuard.check(request)
    return actor
  }

  // MARK: - Dead letters

  private func list(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let query = QueryReader(request)
    let limit = query.integer("limit", in: OrderLimits.page, default: OrderLimits.standardPage)
    let cursor = query.stringIfPresent("cursor").flatMap { text -> DeadLetterCursor? in
      let cursor = DeadLetterCursor(text: text)
      if cursor == nil { query.fail("cursor", "expected the nextCursor of an earlier page") }
      return cursor
    }
    let state = query.stringIfPresent("state") ?? "open"
    if state != "open" && state != "resolved" { query.fail("state", "expected open or resolved") }
    try query.finish()
    let page = try await letters.letters(
      isOpen: state == "open", behind: cursor, limit: limit, deadline: context.deadline)
    let counts = try await letters.counts(deadline: context.deadline)
    return .json { json in
      json.member("items", in: page.letters) { json, letter in json.object { $0.letter(letter) } }
      json.cursor(page.next?.text)
      json.member("counts", object: { $0.counts(counts) })
    }
  }

  private func letter(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let id = try context.uuidParameter("letterId")
    guard let (letter, body) = try await letters.letter(id, deadline: context.deadline) else {
      throw Problem.deadLetterNotFound(id)
    }
    return .json { json in
      json.letter(letter)
      json.member("history", letter.history)
      switch body {
      case .text(let text):
        json.member("bodyEncoding", "text")
        json.member("body", text)
      case .hex(let digits):
        json.member("bodyEncoding", "hex")
        json.member("body", digits)
      case .tooLarge: json.member("bodyEncoding", "omitted")
      }
    }
  }

  private func retry(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let actor = try actor(of: request)
    let id = try context.uuidParameter("letterId")
    let isRetried = try await retry(id, by: actor, deadline: context.deadline)
    return .json { json in
      json.member("id", id)
      json.member("outcome", isRetried ? "retried" : "processed")
    }
  }

  /// - Returns: `false` when there was nothing to try: the event has taken effect.
  func retry(_ id: UUID, by actor: String, deadline: MonotonicInstant) async throws -> Bool {
    switch try await letters.retry(id, by: actor, deadline: deadline) {
    case .retried: return true
    case .processed: return false
    case .resolved(let resolution): throw Problem.deadLetterResolved(resolution)
    case .notFound: throw Problem.deadLetterNotFound(id)
    }
  }

  private func retryAll(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let actor = try actor(of: request)
    let totals = try await letters.retryAll(by: actor, deadline: context.deadline)
    return .json { json in
      json.member("retried", totals.retried)
      json.member("processed", totals.processed)
      json.member("failed", totals.failed)
      json.member("complete", totals.isComplete)
      if let failure = totals.failure { json.member("failure", failure.message) }
    }
  }

  private func discard(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let actor = try actor(of: request)
    let id = try context.uuidParameter("letterId")
    let reader = try ObjectReader(context.body)
    let reason = reader.string("reason", length: DeadLetterStore.reasonLength)
    try reader.finish()
    try await discard(id, by: actor, reason: reason, deadline: context.deadline)
    return .json { json in
      json.member("id", id)
      json.member("outcome", "discarded")
    }
  }

  func discard(_ id: UUID, by actor: String, reason: String, deadline: MonotonicInstant) async throws {
    switch try await letters.discard(id, by: actor, reason: reason, deadline: deadline) {
    case .discarded: break
    case .resolved(let resolution): throw Problem.deadLetterResolved(resolution)
    case .notFound: throw Problem.deadLetterNotFound(id)
    }
  }
}

extension JSONWriter {
  fileprivate mutating func letter(_ letter: StoredDeadLetter) {
    member("id", letter.id)
    member("queue", letter.queue)
    optional("eventId", letter.eventId) { $0.value($1) }
    optional("type", letter.type) { $0.value($1) }
    optional("subject", letter.subject) { $0.value($1) }
    optional("correlationId", letter.correlationId) { $0.value($1) }
    member("exchange", letter.exchange)
    member("routingKey", letter.routingKey)
    optional("contentType", letter.contentType) { $0.value($1) }
    member("size", letter.size)
    member("attempts", letter.attempts)
    member("cause", letter.cause)
    member("diedAt", letter.diedAt)
    optional("resolvedAt", letter.resolvedAt) { $0.value($1) }
    optional("resolution", letter.resolution) { $0.value($1) }
  }

  fileprivate mutating func counts(_ counts: DeadLetterCounts) {
    member("open", counts.open)
    member("resolved", counts.resolved)
    optional("oldest", counts.oldest) { $0.value($1) }
    for (name, shares) in [("byQueue", counts.byQueue), ("byType", counts.byType)] {
      self.name(dynamic: name)
      array(shares) { json, share in
        json.object { json in
          json.optional("name", share.name) { $0.value($1) }
          json.member("count", share.count)
        }
      }
    }
  }

  /// Writes a member that is `null` where there is no value.
  mutating func optional<Value>(_ name: StaticString, _ value: Value?, _ write: (inout JSONWriter, Value) -> Void) {
    self.name(name)
    if let value { write(&self, value) } else { null() }
  }
}
