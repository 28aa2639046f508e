import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Seams
import ServiceKit

extension AdminRoutes {
  /// Entries of each list of the first page.
  private static let listed = 20

  func addPages(to router: Router<ServiceContext>) {
    router.get("/admin") { request, context in try await page(request, context, dashboard) }
    router.get("/admin/confirm") { request, context in try await page(request, context, confirm) }
    router.get("/admin/page/letters/:letterId") { request, context in try await page(request, context, letterPage) }
    router.get("/admin/page/sagas/:orderId") { request, context in try await page(request, context, sagaPage) }
  }

  /// Answers with a page, also when something goes wrong.
  func page(
    _ request: Request, _ context: ServiceContext, _ make: (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    let problem: Problem
    do {
      return try await make(request, context)
    } catch let refusal as Problem {
      problem = refusal
    } catch let error as SQLError {
      context.logger.warning("a page needs the database", metadata: ["error": .string("\(error)")])
      problem = Problem(databaseFailure: error)
    } catch let error as BrokerError {
      context.logger.warning("a page needs the broker", metadata: ["error": .string("\(error)")])
      problem = Problem(brokerFailure: error)
    }
    let view = ProblemView(problem, correlationId: context.correlationId, now: database.environment.wallClock.now)
    return pages.response(view, status: problem.status, headers: problem.headers)
  }

  private func dashboard(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let parameters = Self.query(of: request)
    let deadline = context.deadline
    let cursor = parameters["letters"].flatMap { DeadLetterCursor(text: $0) }
    let page = try await letters.letters(behind: cursor, limit: Self.listed, deadline: deadline)
    let counts = try await letters.counts(deadline: deadline)
    let figures = try await database.figures(deadline: deadline)
    let view = DashboardView(
      figures, counts: counts, letters: page,
      stuck: try await database.sagas(.stuck, behind: nil, limit: OrderLimits.standardPage, deadline: deadline),
      running: try await database.sagas(.running, behind: nil, limit: Self.listed, deadline: deadline),
      failed: try await database.sagas(.failed, behind: nil, limit: Self.listed, deadline: deadline),
      notice: Notice(parameters))
    return pages.response(view)
  }

  private func letterPage(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let id = try context.uuidParameter("letterId")
    guard let (letter, body) = try await letters.letter(id, deadline: context.deadline) else {
      throw Problem.deadLetterNotFound(id)
    }
    return pages.response(LetterView(letter, body: body, now: database.environment.wallClock.now))
  }

  private func sagaPage(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let id = try context.uuidParameter("orderId")
    return pages.response(SagaView(try await report(id, context)))
  }

  private func report(_ id: UUID, _ context: ServiceContext) async throws -> SagaReport {
    guard let report = try await database.sagaReport(id, deadline: context.deadline) else {
      throw Problem.sagaNotFound(id)
    }
    return report
  }

  // MARK: - Asking before a change

  private func confirm(_ request: Request, _ context: ServiceContext) async throws -> Response {
    _ = try authentication.administrator(of: request)
    let parameters = Self.query(of: request)
    let token = FormToken.known(by: request) ?? pages.secret()
    let view = try await confirmation(parameters, token, context)
    return pages.response(view, headers: FormToken.cookie(token, for: request))
  }

  private func confirmation(
    _ parameters: [String: String], _ token: String, _ context: ServiceContext
  ) async throws -> ConfirmView {
    let now = database.environment.wallClock.now
    switch parameters["action"] {
    case "retry-all":
      return .retryAll(try await letters.counts(deadline: context.deadline), token: token, now: now)
    case "retry-letter":
      return .retry(try await openLetter(parameters, context), token: token, now: now)
    case "discard-letter":
      return .discard(try await openLetter(parameters, context), token: token, now: now)
    case "retry-saga":
      let report = try await report(try Self.id(parameters), context)
      guard report.saga.state == .stuck else { throw Problem.sagaNotStuck(state: report.saga.state.rawValue) }
      return .retry(report, token: token)
    default:
      throw Problem.validationFailed(
        "action", "expected retry-all, retry-letter, discard-letter or retry-saga")
    }
  }

  private func openLetter(_ parameters: [String: String], _ context: ServiceContext) async throws -> StoredDeadLetter {
    let id = try Self.id(parameters)
    guard let (letter, _) = try await letters.letter(id, deadline: context.deadline) else {
      throw Problem.deadLetterNotFound(id)
    }
    if let resolution = letter.resolution { throw Problem.deadLetterResolved(resolution) }
    return letter
  }

  private static func id(_ parameters: [String: String]) throws(Problem) -> UUID {
    guard let id = parameters["id"].flatMap({ UUID(text: $0) }) else {
      throw .validationFailed("id", "expected a UUID")
    }
    return id
  }

  /// The query's parameters; of several with one name the last.
  private static func query(of request: Request) -> [String: String] {
    var parameters: [String: String] = [:]
    for (name, value) in request.uri.queryParameters { parameters[String(name)] = String(value) }
    return parameters
  }
}
