import FoundationEssentials
import HTTPTypes
import Payments
import Seams
import ServiceKit
import SimulatedNetwork
import SimulationKernel
import Testing

@Suite struct SandboxTests {
  private static let valid =
    #"{"orderId":"\#(order(1).canonicalText)","amount":1,"currency":"EUR","token":"tok_ok"}"#

  @Test func aChargeIsCapturedOnceAndAnsweredAlike() {
    let world = SandboxWorld()
    world.run { client in
      let first = try await client.charge("tok_ok")
      #expect(try await client.charge("tok_ok") == first)
      #expect(try await client.charge("tok_ok", key: "other") != first)
      let payments = try await client.provider.payments(orderId: order(1), context: client.context())
      #expect(payments.count == 2 && payments == world.store.payments)
      #expect(first == .captured(paymentId: payments[0].id))
      #expect(payments[0].amount == 1999 && payments[0].currency == "EUR" && payments[0].status == .captured)
      #expect(try await client.provider.payments(orderId: order(2), context: client.context()) == [])
    }
  }

  @Test func aReplayedAnswerSaysSo() {
    SandboxWorld().run { client in
      for replayed in [nil, "true"] {
        let answer = try await client.send(.post, "/payments", Self.valid, fields: [.idempotencyKey: "k"])
        #expect(answer.status == 200 && answer.json["status"]?.string == "captured")
        #expect(answer.fields[.idempotencyReplayed] == replayed)
      }
    }
  }

  @Test func aKeyBelongsToOneRequest() {
    let world = SandboxWorld()
    world.run { client in
      _ = try await client.charge("tok_ok")
      #expect(try await client.charge("tok_ok", amount: 2000) == .keyReused)
      #expect(try await client.charge("tok_ok", order: order(2)) == .keyReused)
      #expect(try await client.charge("tok_declined") == .keyReused)
      #expect(world.store.payments.count == 1)
    }
  }

  @Test(arguments: ["tok_declined", "tok_unknown", "x"])
  func aDeclinedChargeIsAResultAndStaysOne(token: String) {
    let world = SandboxWorld()
    world.run { client in
      for _ in 0..<3 {
        guard case .declined(let detail) = try await client.charge(token) else {
          Issue.record("\(token) was not declined")
          return
        }
        #expect(!detail.isEmpty)
      }
      #expect(world.kernel.now < MonotonicInstant(nanoseconds: 1_000_000_000))
      #expect(world.store.payments.isEmpty)
    }
  }

  @Test func aSlowChargeTakesThreeSecondsAndItsReplayNone() {
    let world = SandboxWorld()
    world.run { client in
      let first = try await client.charge("tok_slow")
      #expect(world.kernel.now == MonotonicInstant(nanoseconds: 3_002_000_000))
      #expect(try await client.charge("tok_slow") == first)
      #expect(world.kernel.now == MonotonicInstant(nanoseconds: 3_004_000_000))
    }
  }

  @Test func slowChargesWithOneKeyAtOnceCaptureOnce() {
    let world = SandboxWorld()
    world.run { client in
      async let first = client.charge("tok_slow")
      async let second = client.charge("tok_slow")
      let results = try await [first, second]
      #expect(results[0] == results[1] && world.store.payments.count == 1)
    }
  }

  @Test func aSlowChargeWhoseCallerGaveUpIsCapturedAllTheSame() {
    let world = SandboxWorld()
    world.run(options: ServicePeer.Options(attemptTimeout: .seconds(2), retries: .never)) { client in
      do {
        _ = try await client.charge("tok_slow")
        Issue.record("two seconds were enough for three")
      } catch let error as ServiceCallError {
        #expect(error.disposition == .ambiguous)
      }
      try await client.process.clock.sleep(for: .seconds(2))
      #expect(world.store.payments.count == 1)
      #expect(try await client.charge("tok_slow") == .captured(paymentId: world.store.payments[0].id))
    }
  }

  @Test func aFlakyChargeFailsTwiceForEachKey() {
    let world = SandboxWorld()
    world.run(options: ServicePeer.Options(retries: .never)) { client in
      for key in ["a", "b"] {
        for _ in 0..<2 {
          do {
            _ = try await client.charge("tok_flaky", key: key)
            Issue.record("tok_flaky did not fail")
          } catch let error as ServiceCallError {
            #expect(error.code == .unavailable && error.retryAfter == .seconds(1))
          }
        }
        let captured = try await client.charge("tok_flaky", key: key)
        #expect(try await client.charge("tok_flaky", key: key) == captured)
      }
      #expect(world.store.payments.count == 2)
    }
  }

  @Test func aRetryingClientGetsAFlakyChargeThrough() {
    let world = SandboxWorld()
    world.run { client in
      let result = try await client.charge("tok_flaky")
      #expect(result == .captured(paymentId: world.store.payments[0].id))
    }
  }

  @Test func aLostAnswerDropsTheConnectionAfterTheCaptureAndTheSameKeyAnswersIt() {
    let world = SandboxWorld()
    world.run(options: ServicePeer.Options(retries: .never)) { client in
      do {
        _ = try await client.charge("tok_lost")
        Issue.record("the answer arrived")
      } catch let error as ServiceCallError {
        #expect(error.code == .connectionLost && error.disposition == .ambiguous, "\(error)")
      }
      #expect(world.store.payments.count == 1)
      let again = try await client.charge("tok_lost")
      #expect(again == .captured(paymentId: world.store.payments[0].id))
      #expect(world.store.payments.count == 1)
    }
  }

  @Test func aRefundIsMadeOnce() {
    let world = SandboxWorld()
    world.run { client in
      let charged = try await client.charge("tok_ok")
      let id = world.store.payments[0].id
      for _ in 0..<2 {
        #expect(try await client.provider.refund(paymentId: id, context: client.context()) == .refunded)
      }
      let payments = try await client.provider.payments(orderId: order(1), context: client.context())
      #expect(payments.map(\.status) == [.refunded])
      // The charge's answer is the first one's, whatever became of the payment since.
      #expect(try await client.charge("tok_ok") == charged)
      #expect(try await client.provider.refund(paymentId: order(9), context: client.context()) == .notFound)
    }
  }

  @Test func whatTheStoreKeepsOutlivesACrash() {
    let world = SandboxWorld()
    world.run(options: ServicePeer.Options(retries: .never)) { client in
      let charged = try await client.charge("tok_ok")
      _ = try? await client.charge("tok_flaky", key: "flaky")
      world.server.crash()
      world.server.restart()
      try await client.process.clock.sleep(for: .milliseconds(10))
      #expect(try await client.charge("tok_ok") == charged)
      _ = try? await client.charge("tok_flaky", key: "flaky")
      #expect(try await client.charge("tok_flaky", key: "flaky") != charged)
      #expect(world.store.payments.count == 2)
    }
  }

  @Test(arguments: [
    ("", ""), ("{}", "orderId amount currency token Idempotency-Key"),
    (
      #"{"orderId":"x","amount":0,"currency":"eur","token":"","more":1}"#,
      "orderId amount token currency Idempotency-Key more"
    ),
    (
      #"{"orderId":"\#(order(1).canonicalText)","amount":1.5,"currency":"EURO","token":"t"}"#,
      "amount currency Idempotency-Key"
    ),
  ])
  func aRequestThatIsWrongIsRefusedWithEveryFault(body: String, fields: String) {
    SandboxWorld().run { client in
      let answer = try await client.send(.post, "/payments", body)
      #expect(answer.status == 400 && answer.json["code"]?.string == "validation_failed")
      let found = answer.json["errors"]?.array?.compactMap { $0["field"]?.string } ?? []
      #expect(found.joined(separator: " ") == fields)
    }
  }

  @Test(arguments: [
    (HTTPRequest.Method.get, "/payments", 400, "validation_failed"),
    (.get, "/payments?orderId=x", 400, "validation_failed"),
    (.get, "/payments?orderId=\(order(1).canonicalText)&page=2", 400, "validation_failed"),
    (.post, "/payments/x/refund", 400, "validation_failed"),
    (.post, "/payments/\(order(1).canonicalText)/refund", 404, "payment_not_found"),
    (.delete, "/payments", 405, "method_not_allowed"),
  ])
  func aRequestThatLeadsNowhereIsAProblem(
    method: HTTPRequest.Method, path: String, status: Int, code: String
  ) {
    SandboxWorld().run { client in
      let answer = try await client.send(method, path)
      #expect(answer.status == status && answer.json["code"]?.string == code)
    }
  }
}
