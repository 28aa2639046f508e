import FoundationEssentials
import HTTPTypes
import Hummingbird
import Seams
import ServiceKit

extension AdminRoutes {
  func addSagaRoutes(to router: Router<ServiceContext>) {
    router.get("/admin/sagas") { request, context in try await sagas(request, context) }
    router.get("/admin/sagas/:orderId") { request, context in try await saga(request, context) }
    router.post("/admin/sagas/:orderId/retry") { request, context in try await retrySaga(request, context) }
  }

  private func sagas(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let query = QueryReader(request)
    let limit = query.integer("limit", in: OrderLimits.page, default: OrderLimits.standardPage)
    let cursor = query.stringIfPresent("cursor").flatMap { text -> UUID? in
      let id = UUID(text: text)
      if id == nil { query.fail("cursor", "expected the nextCursor of an earlier page") }
      return id
    }
    let state = query.stringIfPresent("state") ?? SagaFilter.open.rawValue
    let filter = SagaFilter(rawValue: state)
    if filter == nil {
      query.fail("state", "expected one of " + SagaFilter.allCases.map(\.rawValue).joined(separator: ", "))
    }
    try query.finish()
    let page = try await database.sagas(filter ?? .open, behind: cursor, limit: limit, deadline: context.deadline)
    return .json { json in
      json.member("items", in: page.items) { json, saga in json.object { $0.saga(saga) } }
      json.cursor(page.nextCursor)
    }
  }

  private func saga(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let id = try context.uuidParameter("orderId")
    guard let report = try await database.sagaReport(id, deadline: context.deadline) else {
      throw Problem.sagaNotFound(id)
    }
    return .json { json in
      json.saga(report.saga)
      json.member("steps", in: report.steps) { json, step in
        json.object { json in
          json.member("step", step.step.rawValue)
          json.member("status", step.status)
          json.member("attempts", step.attempts)
          json.optional("error", step.error) { $0.value($1) }
          json.member("startedAt", step.startedAt)
          json.optional("endedAt", step.endedAt) { $0.value($1) }
        }
      }
      json.member("history", in: report.history) { json, entry in
        json.object { json in
          json.member("status", entry.status.rawValue)
          json.member("at", entry.at)
        }
      }
    }
  }

  private func retrySaga(_ request: Request, _ context: ServiceContext) async throws -> Response {
    let actor = try actor(of: request)
    let id = try context.uuidParameter("orderId")
    try await retrySaga(id, by: actor, deadline: context.deadline)
    return .json { json in
      json.member("orderId", id)
      json.member("sagaState", SagaState.compensating.rawValue)
    }
  }

  func retrySaga(_ id: UUID, by actor: String, deadline: MonotonicInstant) async throws {
    switch try await database.retrySaga(id, by: actor, deadline: deadline) {
    case .retried: engine.wake()
    case .notStuck(let state): throw Problem.sagaNotStuck(state: state.rawValue)
    case .notFound: throw Problem.sagaNotFound(id)
    }
  }
}

extension JSONWriter {
  fileprivate mutating func saga(_ saga: SagaOverview) {
    member("orderId", saga.orderId)
    member("userId", saga.userId)
    member("status", saga.status.rawValue)
    member("sagaState", saga.state.rawValue)
    member("step", saga.step.rawValue)
    member("attempts", saga.attempts)
    member("refusals", saga.refusals)
    optional("error", saga.error) { $0.value($1) }
    if let failure = saga.failure { self.failure(failure) }
    optional("stopReason", saga.stopReason) { $0.value($1) }
    member("isDriven", saga.isDriven)
    optional("nextAttemptAt", saga.nextAttemptAt) { $0.value($1) }
    member("createdAt", saga.createdAt)
    member("updatedAt", saga.updatedAt)
  }
}
