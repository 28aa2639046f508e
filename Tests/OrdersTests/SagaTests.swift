import FoundationEssentials
import InventoryAPI
import Orders
import Seams
import Testing

/// What follows from a step's outcome, as a value: no clock, no database.
@Suite struct SagaTests {
  private static let failure = OrderFailure(code: "upstream_timeout", detail: "Nobody answered.")
  private static let refusal = OrderFailure(code: "payment_declined", detail: "The card was declined.")
  private static let reservation = UUID(high: 0x4000, low: 1)
  private static let payment = UUID(high: 0x4000, low: 2)

  /// A saga at a step of its way, forward or back.
  private func saga(_ step: SagaStep, _ change: (inout Saga) -> Void = { _ in }) throws -> Saga {
    let lines = try #require(OrderLines([InventoryLine(productId: UUID(high: 0x4000, low: 3), quantity: 2)]))
    var saga = Saga(
      NewOrder(
        id: UUID(high: 0x4000, low: 4), userId: "ada", key: "key", lines: lines, paymentToken: "tok_ok",
        correlationId: UUID(high: 0x4000, low: 5), arrival: MonotonicInstant(nanoseconds: 0)),
      total: try #require(Money(amount: 200, currency: "EUR")))
    saga.step = step
    if step != .reserve { (saga.status, saga.reservationId) = (.reserved, Self.reservation) }
    if step == .confirm { (saga.status, saga.paymentId) = (.paid, Self.payment) }
    if step == .refund || step == .release {
      (saga.state, saga.ending, saga.failure) = (.compensating, .failed, Self.failure)
    }
    change(&saga)
    return saga
  }

  @Test func stepsFollowEachOtherAndEachRecordHasANumber() throws {
    var saga = try saga(.reserve)
    for (outcome, status, step) in [
      (StepOutcome.reserved(reservationId: Self.reservation), OrderStatus.reserved, SagaStep.charge),
      (.captured(paymentId: Self.payment), .paid, .confirm),
    ] {
      let advance = saga.advanced(by: outcome, stop: nil)
      #expect(advance.saga.status == status && advance.saga.step == step && advance.saga.state == .forward)
      #expect(advance.saga.version == saga.version + 1 && advance.stepEnd == "done" && !advance.rests)
      saga = advance.saga
    }
    let last = saga.advanced(by: .confirmed, stop: nil).saga
    #expect(last.status == .confirmed && last.state == .done)
    #expect(last.reservationId == Self.reservation && last.paymentId == Self.payment)
  }

  /// Where a saga turns round when it is asked to: behind a capture lies the refund, before it the release.
  @Test(arguments: StopReason.allCases, [SagaStep.reserve, .charge])
  func aStopTurnsItRoundAtTheNextRecord(_ stop: StopReason, _ step: SagaStep) throws {
    let outcome: StepOutcome =
      step == .reserve ? .reserved(reservationId: Self.reservation) : .captured(paymentId: Self.payment)
    let next = try saga(step).advanced(by: outcome, stop: stop).saga
    #expect(next.state == .compensating && next.step == (step == .reserve ? .release : .refund))
    #expect(next.ending == (stop == .cancelled ? .cancelled : .failed))
    #expect(next.failure?.code == (stop == .expired ? "reservation_expired" : nil))
  }

  @Test func aConfirmationThatWonIsNotUndone() throws {
    let next = try saga(.confirm).advanced(by: .confirmed, stop: .cancelled).saga
    #expect(next.status == .confirmed && next.state == .done)
  }

  @Test func aRefusalOfTheChargeGoesToTheRelease() throws {
    let advance = try saga(.charge).advanced(by: .refused(Self.refusal), stop: nil)
    #expect(advance.saga.step == .release && advance.saga.failure == Self.refusal && advance.stepEnd == "refused")
  }

  @Test func aRefusalOfTheConfirmationRefundsFirst() throws {
    let next = try saga(.confirm).advanced(by: .refused(Self.refusal), stop: nil).saga
    #expect(next.step == .refund && next.state == .compensating)
    #expect(next.advanced(by: .refunded, stop: nil).saga.step == .release)
  }

  /// A reserve whose answer is lost is given up, and released in case it took effect.
  @Test func aReserveWithoutAnAnswerIsGivenUp() throws {
    let advance = try saga(.reserve).advanced(by: .failed(Self.failure), stop: nil)
    #expect(advance.saga.step == .release && advance.saga.failure == Self.failure && !advance.rests)
  }

  /// Where nothing can have been reserved there is nothing to undo: the order is over at once.
  @Test(arguments: [StopReason?.none, .cancelled, .expired])
  func aReserveThatLeavesNothingEndsTheOrder(_ stop: StopReason?) throws {
    for outcome in [
      StepOutcome.refused(Self.failure, leavesNothing: true), .failed(Self.failure, leavesNothing: true),
    ] {
      let advance = try saga(.reserve).advanced(by: outcome, stop: stop)
      #expect(advance.saga.state == .done && !advance.rests)
      #expect(advance.saga.status == (stop == .cancelled ? .cancelled : .failed))
      #expect(advance.saga.failure == (stop == .cancelled ? nil : Self.failure))
      // An earlier call of the step, whoever made it, may still arrive.
      let again = try saga(.reserve) { $0.attempts = 2 }.advanced(by: outcome, stop: stop).saga
      #expect(again.state == .compensating && again.step == .release)
    }
  }

  /// Only the reserve: what a later step leaves undone, those before it have done.
  @Test func aLaterStepThatLeavesNothingIsNoReasonToStop() throws {
    let declined = try saga(.charge).advanced(by: .refused(Self.refusal, leavesNothing: true), stop: nil).saga
    #expect(declined.state == .compensating && declined.step == .release)
    let unasked = try saga(.charge).advanced(by: .failed(Self.failure, leavesNothing: true), stop: nil)
    #expect(unasked.rests && unasked.saga.step == .charge)
  }

  /// A charge whose answer is lost is asked for again, until there is no time; then what it did is asked and undone.
  @Test func aChargeWithoutAnAnswerIsAskedForAgainUntilTimeIsUp() throws {
    let again = try saga(.charge).advanced(by: .failed(Self.failure), stop: nil)
    #expect(again.rests && again.saga.step == .charge && again.saga.attempts == 2 && again.saga.state == .forward)
    let late = try saga(.charge) { $0.isOverdue = true }.advanced(by: .failed(Self.failure), stop: nil)
    #expect(!late.rests && late.saga.step == .refund && late.saga.failure == Self.failure)
    let cancelled = try saga(.charge).advanced(by: .failed(Self.failure), stop: .cancelled)
    #expect(cancelled.saga.step == .refund && cancelled.saga.ending == .cancelled)
  }

  @Test func aConfirmationWithoutAnAnswerIsAskedForAgainHoweverLate() throws {
    let advance = try saga(.confirm) { $0.isOverdue = true }.advanced(by: .failed(Self.failure), stop: nil)
    #expect(advance.rests && advance.saga.step == .confirm && advance.saga.state == .forward)
  }

  @Test(arguments: [SagaStep.refund, .release])
  func aCompensationGoesOnForEver(_ step: SagaStep) throws {
    var saga = try saga(step)
    for attempt in 2...50 {
      let advance = saga.advanced(by: .failed(Self.failure), stop: nil)
      #expect(advance.rests && advance.saga.step == step && advance.saga.attempts == attempt)
      #expect(advance.saga.state == .compensating)
      saga = advance.saga
    }
  }

  @Test func aCompensationThatIsRefusedFiveTimesIsStuck() throws {
    var saga = try saga(.release)
    for refusal in 1...Saga.maximumRefusals {
      let advance = saga.advanced(by: .refused(Self.refusal), stop: nil)
      #expect(advance.saga.state == (refusal < Saga.maximumRefusals ? .compensating : .stuck))
      #expect(advance.rests == (refusal < Saga.maximumRefusals))
      saga = advance.saga
    }
    #expect(saga.status == .reserved && saga.ending == .failed)
  }

  @Test(arguments: [OrderStatus.failed, .cancelled])
  func theEndIsWhatItTurnedRoundFor(_ ending: OrderStatus) throws {
    let next = try saga(.release) { $0.ending = ending }.advanced(by: .released, stop: nil).saga
    #expect(next.status == ending && next.state == .done)
  }
}
