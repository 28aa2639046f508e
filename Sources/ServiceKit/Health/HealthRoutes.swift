internal import HTTPTypes
package import Hummingbird
internal import Logging
package import Seams

/// Something a service needs in order to answer.
package struct HealthCheck: Sendable {
  /// What is checked: `database`.
  package var name: String
  /// Throws when it does not work; is cancelled at the deadline.
  package var check: @Sendable (_ deadline: MonotonicInstant) async throws -> Void

  /// A check of `name`.
  package init(_ name: String, _ check: @escaping @Sendable (_ deadline: MonotonicInstant) async throws -> Void) {
    self.name = name
    self.check = check
  }

  /// Checks that the database answers.
  package static func database(_ pool: SQLPool) -> HealthCheck {
    HealthCheck("database") { deadline in
      try await pool.withConnection(deadline: deadline) { connection in
        _ = try await connection.execute("SELECT 1", deadline: deadline)
      }
    }
  }
}

/// `/health/live` says that the process runs, `/health/ready` whether requests may be sent to it.
package struct HealthRoutes: Sendable {
  private let checks: [HealthCheck]
  private let environment: ServiceEnvironment
  private let drain: GracefulDrain?
  private let timeLimit: Duration

  /// Routes that run `checks`, each for at most `timeLimit`.
  package init(
    checks: [HealthCheck], environment: ServiceEnvironment, drain: GracefulDrain? = nil,
    timeLimit: Duration = .seconds(2)
  ) {
    self.checks = checks
    self.environment = environment
    self.drain = drain
    self.timeLimit = timeLimit
  }

  /// Adds the routes to `router`.
  package func add(to router: Router<ServiceContext>) {
    router.get("/health/live") { _, _ in
      Response.json { $0.member("status", "live") }
    }
    router.get("/health/ready") { _, context in
      await ready(until: context.deadline)
    }
  }

  private struct Outcome: Sendable {
    var index: Int
    var failure: String?
  }

  private func ready(until deadline: MonotonicInstant) async -> Response {
    let failures = await runChecks(until: min(deadline, environment.clock.now.advanced(by: timeLimit)))
    let isDraining = drain?.isDraining ?? false
    let isReady = !isDraining && failures.allSatisfy { $0 == nil }
    return .json(
      status: isReady ? .ok : .serviceUnavailable,
      headers: isReady ? [.cacheControl: "no-store"] : [.cacheControl: "no-store", .retryAfter: "1"]
    ) { json in
      json.member("status", isReady ? "ready" : isDraining ? "draining" : "unavailable")
      json.member("checks", in: zip(checks, failures)) { json, result in
        json.object { json in
          json.member("name", result.0.name)
          json.member("status", result.1 == nil ? "ok" : "failed")
          if let failure = result.1 { json.member("detail", failure) }
        }
      }
    }
  }

  /// What failed, in the order of the checks.
  private func runChecks(until deadline: MonotonicInstant) async -> [String?] {
    let clock = environment.clock
    return await withTaskGroup(of: Outcome.self) { group in
      for (index, check) in checks.enumerated() {
        group.addTask {
          do {
            try await withDeadline(deadline, clock: clock) { try await check.check(deadline) }
            return Outcome(index: index, failure: nil)
          } catch {
            environment.logger.warning(
              "not ready", metadata: ["check": .string(check.name), "error": .string("\(error)")])
            return Outcome(index: index, failure: Self.publicText(of: error))
          }
        }
      }
      var failures = [String?](repeating: nil, count: checks.count)
      for await outcome in group { failures[outcome.index] = outcome.failure }
      return failures
    }
  }

  /// What anybody may read: the kind of failure, no address and no text of a server.
  private static func publicText(of error: any Error) -> String {
    switch error {
    case let error as SQLError:
      ((error.cause as? SQLError) ?? error).publicText
    case is DeadlineExceeded: "no answer in time"
    default: "failed"
    }
  }
}

extension SQLError {
  fileprivate var publicText: String {
    "\(code)" + (sqlState.map { " \($0)" } ?? "")
  }
}
