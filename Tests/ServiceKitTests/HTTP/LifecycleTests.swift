import HTTPTypes
import Hummingbird
import NIOCore
import Seams
import ServiceKit
import Testing

@Suite struct LifecycleTests {
  private func handler(
    _ environment: ServiceEnvironment, _ drain: GracefulDrain, checks: [HealthCheck] = []
  ) -> ServiceHandler {
    let router = Router(context: ServiceContext.self)
    router.get("/slow") { _, _ in
      try await environment.sleep(.seconds(2))
      return Response.json { $0.member("done", true) }
    }
    HealthRoutes(checks: checks, environment: environment, drain: drain).add(to: router)
    return ServiceHandler(router: router, environment: environment, drain: drain)
  }

  private static func get(_ handler: ServiceHandler, _ path: String) async throws -> Exchange {
    let head = HTTPRequest(method: .get, scheme: "http", authority: "a", path: path)
    let response = await handler.handle(HTTPRequestMessage(head: head), from: HTTPPeer(address: "client"))
    return try await Exchange(response)
  }

  @Test func drainingFinishesWhatRunsAndRefusesWhatComes() {
    simulate { environment in
      let drain = GracefulDrain()
      let handler = handler(environment, drain)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          let response = try await Self.get(handler, "/slow")
          #expect(response.status == 200)
        }
        try await environment.sleep(.seconds(1))
        #expect(drain.inFlight == 1)
        group.addTask {
          try await environment.sleep(.milliseconds(500))
          let refused = try await Self.get(handler, "/slow")
          refused.expectProblem(503, "overloaded")
          #expect(refused.fields[.retryAfter] == "1" && refused.fields[.connection] == "close")
          #expect(try await Self.get(handler, "/health/live").status == 200)
          let ready = try await Self.get(handler, "/health/ready")
          #expect(ready.status == 503 && ready.json["status"]?.string == "draining")
        }
        let start = environment.clock.now
        let left = await drain.drain(until: start.advanced(by: .seconds(10)), clock: environment.clock)
        #expect(left == 0)
        #expect(start.duration(to: environment.clock.now) == .seconds(1))
        try await group.waitForAll()
      }
    }
  }

  @Test func drainingGivesUpAtItsDeadlineAndSaysWhatIsLeft() {
    simulate { environment in
      let drain = GracefulDrain()
      let handler = handler(environment, drain)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await Self.get(handler, "/slow") }
        try await environment.sleep(.milliseconds(100))
        let start = environment.clock.now
        let left = await drain.drain(until: start.advanced(by: .milliseconds(300)), clock: environment.clock)
        #expect(left == 1)
        #expect(start.duration(to: environment.clock.now) == .milliseconds(300))
        try await group.waitForAll()
      }
      #expect(drain.inFlight == 0)
    }
  }

  @Test func aDrainWithNothingUnderWayEndsAtOnce() {
    simulate { environment in
      let drain = GracefulDrain()
      #expect(await drain.drain(until: environment.after(.seconds(9)), clock: environment.clock) == 0)
      #expect(environment.clock.now.nanoseconds == 0)
      #expect(!drain.enter())
    }
  }

  @Test func readinessFollowsItsChecks() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment)
      let hang = HealthCheck("hang") { _ in try await environment.sleep(.seconds(60)) }
      let good = handler(environment, GracefulDrain(), checks: [.database(pool)])
      let bad = handler(environment, GracefulDrain(), checks: [.database(pool), hang])
      let ready = try await Self.get(good, "/health/ready")
      #expect(ready.status == 200)
      #expect(ready.text == #"{"status":"ready","checks":[{"name":"database","status":"ok"}]}"#)
      let start = environment.clock.now
      let hanging = try await Self.get(bad, "/health/ready")
      #expect(hanging.status == 503)
      #expect(
        hanging.text == #"{"status":"unavailable","checks":[{"name":"database","status":"ok"},"#
          + #"{"name":"hang","status":"failed","detail":"no answer in time"}]}"#)
      #expect(start.duration(to: environment.clock.now) == .seconds(2))
    }
  }

  @Test func aDatabaseThatIsDownIsNamedWithoutItsAddress() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      database.script { $0.connectError = SQLError(.connectFailed, message: "no route to 10.1.2.3") }
      let pool = SQLPool(connector: database, environment: environment)
      let handler = handler(environment, GracefulDrain(), checks: [.database(pool)])
      let response = try await Self.get(handler, "/health/ready")
      #expect(response.status == 503)
      #expect(!response.text.contains("10.1.2.3"))
      #expect(response.json["checks"]?[0]?["status"]?.string == "failed")
      #expect(try await Self.get(handler, "/health/live").status == 200)
    }
  }
}
