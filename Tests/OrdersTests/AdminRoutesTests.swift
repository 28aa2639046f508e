import FoundationEssentials
import HTTPTypes
import InventoryAPI
import Orders
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

/// What operators do in JSON.
@Suite struct AdminRoutesTests {
  @Test(arguments: [
    (HTTPRequest.Method.get, "/admin/dlq"), (.get, "/admin/dlq/\(letterId(1).canonicalText)"),
    (.post, "/admin/dlq/\(letterId(1).canonicalText)/retry"), (.post, "/admin/dlq/retry-all"),
    (.delete, "/admin/dlq/\(letterId(1).canonicalText)"), (.get, "/admin/sagas"),
    (.get, "/admin/sagas/\(letterId(1).canonicalText)"), (.post, "/admin/sagas/\(letterId(1).canonicalText)/retry"),
    (.get, "/admin/"), (.get, "/admin/confirm?action=retry-all"), (.post, "/admin/page/letters/retry-all"),
    (.get, "/admin/page/letters/\(letterId(1).canonicalText)"),
  ])
  func everythingTakesTheRoleOfAnAdministrator(_ method: HTTPRequest.Method, _ path: String) throws {
    let bench = try OrdersBench()
    bench.run { callers in
      for roles in [nil, "customer", "administrator", "no-admin"] as [String?] {
        let answer = try await callers[0].text(method, path, roles: roles)
        check(answer.status == 403, "\(answer)")
      }
      let asked = try await callers[0].text(method, path, roles: "customer, admin")
      check(asked.status != 403 || method == .post && path.hasPrefix("/admin/page"), "\(asked)")
    }
  }

  @Test func withoutTheServiceTokenNobodyGetsIn() throws {
    let bench = try OrdersBench()
    let configuration = OrdersConfiguration(secret: Secret("0123456789abcdef"))
    bench.run(configuration: configuration) { callers in
      for path in ["/admin/dlq", "/admin/"] {
        check(try await callers[0].text(.get, path).status == 401)
        let token = "Bearer 0123456789abcdef"
        check(try await callers[0].text(.get, path, headers: [.authorization: token]).status == 200)
      }
    }
  }

  @Test func deadLettersAreListedReadAndDiscarded() throws {
    let bench = try OrdersBench()
    for number in 1...3 { try bench.bury(number, cause: "cause \(number)") }
    bench.run { callers in
      let caller = callers[0]
      let first = try await caller.admin(.get, "/admin/dlq?limit=2")
      check(first.status == 200 && first.texts("items", "cause") == ["cause 3", "cause 2"], "\(first.json)")
      check(first.json["counts"]?["open"] == .integer(3))
      let rest = try await caller.admin(.get, "/admin/dlq?limit=2&cursor=\(first.string("nextCursor"))")
      check(rest.texts("items", "cause") == ["cause 1"] && rest.json["nextCursor"] == .null, "\(rest.json)")

      let path = "/admin/dlq/\(letterId(1).canonicalText)"
      let letter = try await caller.admin(.get, path)
      check(letter.string("body") == "body 1" && letter.string("bodyEncoding") == "text", "\(letter.json)")
      check(letter.string("history") == "attempt 1: cause 1\n" && letter.int("attempts") == 5)

      check(try await caller.admin(.delete, path).code == "validation_failed")
      check(try await caller.admin(.delete, path, "{\"reason\": \"\"}").fields == ["reason"])
      let gone = try await caller.admin(.delete, path, "{\"reason\": \"known\"}")
      check(gone.status == 200 && gone.string("outcome") == "discarded", "\(gone.json)")
      let again = try await caller.admin(.delete, path, "{\"reason\": \"known\"}")
      check(again.status == 409 && again.string("resolution") == "discarded by root: known", "\(again.json)")
      let resolved = try await caller.admin(.get, "/admin/dlq?state=resolved")
      check(resolved.texts("items", "resolution") == ["discarded by root: known"])
      check(resolved.json["counts"]?["open"] == .integer(2))
      check(
        try await caller.admin(.get, "/admin/dlq?state=lost&limit=0&cursor=x").fields.sorted() == [
          "cursor", "limit", "state",
        ])
    }
  }

  @Test func whatIsNotThereIsNotFound() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let id = letterId(9).canonicalText
      check(try await callers[0].admin(.get, "/admin/dlq/\(id)").code == "dead_letter_not_found")
      check(
        try await callers[0].admin(.delete, "/admin/dlq/\(id)", "{\"reason\":\"x\"}").code == "dead_letter_not_found")
      check(try await callers[0].admin(.get, "/admin/sagas/\(id)").code == "order_not_found")
      check(try await callers[0].admin(.post, "/admin/sagas/\(id)/retry").code == "order_not_found")
      check(try await callers[0].admin(.get, "/admin/dlq/no-id").code == "validation_failed")
    }
  }

  @Test func withoutABrokerARetryIsRefusedAndNothingIsLost() throws {
    let bench = try OrdersBench()
    try bench.bury(1, cause: "so")
    bench.run { callers in
      for path in ["/admin/dlq/\(letterId(1).canonicalText)/retry", "/admin/dlq/retry-all"] {
        let answer = try await callers[0].admin(.post, path)
        check(answer.status == 503 && answer.code == "upstream_unavailable", "\(answer.json)")
        check(answer.headers[.retryAfter] != nil)
      }
    }
    #expect(bench.rows("dead_letters", "resolution") == ["-"])
  }

  @Test func aRetriedLetterGoesBackToItsQueue() throws {
    let bench = try OrdersBench()
    let broker = SimulatedRabbitMQServer(host: bench.kernel.host("broker"), network: Network(kernel: bench.kernel))
    for number in 1...2 { try bench.bury(number, cause: "so") }
    bench.run(broker: broker) { callers in
      let caller = callers[0]
      let retried = try await caller.admin(.post, "/admin/dlq/\(letterId(1).canonicalText)/retry")
      check(retried.status == 200 && retried.string("outcome") == "retried", "\(retried.json)")
      let all = try await caller.admin(.post, "/admin/dlq/retry-all")
      check(all.int("retried") ?? 0 >= 1 && all.int("failed") == 0, "\(all.json)")
      try await caller.pause(.seconds(2))
    }
    // They are no events: they have died again, of that.
    #expect(bench.rows("dead_letters", "resolution").contains("-"))
  }

  @Test func pagesOfOtherSitesChangeNothing() throws {
    let bench = try OrdersBench()
    try bench.bury(1, cause: "so")
    bench.run { callers in
      for site in ["cross-site", "same-site"] {
        let answer = try await callers[0].admin(
          .delete, "/admin/dlq/\(letterId(1).canonicalText)", "{\"reason\":\"x\"}",
          headers: [HTTPField.Name("Sec-Fetch-Site")!: site])
        check(answer.code == "forbidden", "\(answer.json)")
      }
    }
    #expect(bench.rows("dead_letters", "resolution") == ["-"])
  }

  // MARK: - Sagas

  @Test func sagasAreListedByStateWithWhatKeepsThem() throws {
    let bench = try OrdersBench()
    bench.inventory.troubles["reserve"] = [.failure(.connectFailed)]
    bench.run { callers in
      let caller = callers[0]
      let failed = try await caller.settled(try await caller.order(key: "1").orderId)
      let done = try await caller.settled(try await caller.order(key: "2").orderId)
      check(failed.orderStatus == "FAILED" && done.orderStatus == "CONFIRMED")
      let all = try await caller.admin(.get, "/admin/sagas?state=done")
      check(all.texts("items", "orderId") == [done.orderId, failed.orderId], "\(all.json)")
      let came = try await caller.admin(.get, "/admin/sagas?state=failed")
      check(came.texts("items", "orderId") == [failed.orderId])
      check(try await caller.admin(.get, "/admin/sagas").texts("items", "orderId").isEmpty)
      for state in ["forward", "compensating", "running", "stuck", "open"] {
        check(try await caller.admin(.get, "/admin/sagas?state=\(state)").texts("items", "orderId").isEmpty)
      }
      check(try await caller.admin(.get, "/admin/sagas?state=lost").fields == ["state"])
      let page = try await caller.admin(.get, "/admin/sagas?state=done&limit=1")
      let next = try await caller.admin(
        .get, "/admin/sagas?state=done&limit=1&cursor=\(page.string("nextCursor"))")
      check(next.texts("items", "orderId") == [failed.orderId] && next.json["nextCursor"] == .null)

      let report = try await caller.admin(.get, "/admin/sagas/\(failed.orderId)")
      check(report.texts("steps", "step") == ["reserve"], "\(report.json)")
      check(report.texts("steps", "status") == ["failed"])
      check(report.texts("steps", "error")[0].hasPrefix("upstream_unavailable"))
      check(report.string("userId") == "ada")
    }
  }

  @Test func aStuckSagaIsSetGoingAgainAndNoOther() throws {
    let bench = try OrdersBench()
    bench.confirmIsRefusedAndSoIsTheRelease(refusals: 5)
    bench.run { callers in
      let caller = callers[0]
      let id = try await caller.order().orderId
      try await caller.pause(.seconds(120))
      let stuck = try await caller.admin(.get, "/admin/sagas?state=stuck")
      check(stuck.texts("items", "orderId") == [id], "\(stuck.json)")
      check(stuck.texts("items", "step") == ["release"] && stuck.texts("items", "error")[0].hasPrefix("reservation"))
      check(try await caller.admin(.get, "/admin/sagas").texts("items", "sagaState") == ["stuck"])
      let answer = try await caller.admin(.post, "/admin/sagas/\(id)/retry")
      check(answer.status == 200 && answer.string("sagaState") == "compensating", "\(answer.json)")
      let order = try await caller.settled(id)
      check(order.orderStatus == "FAILED", "\(order.json)")
      let again = try await caller.admin(.post, "/admin/sagas/\(id)/retry")
      check(again.status == 409 && again.code == "saga_not_stuck" && again.string("sagaState") == "done")
    }
    #expect(bench.rows("notifications", "type") == ["order_failed"])
  }
}
