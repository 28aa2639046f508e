package import FoundationEssentials
package import InventoryAPI

/// One order's way to its final state, as its owner knows it: a value, whose ``advanced(by:stop:)`` says what comes next.
package struct Saga: Sendable, Hashable {
  package var orderId: UUID
  package var userId: String
  package var lines: [InventoryLine]
  package var total: Money
  package var paymentToken: String
  package var correlationId: UUID
  package var status = OrderStatus.pending
  package var state = SagaState.forward
  package var step = SagaStep.reserve
  /// Rises with each record.
  package var version = 1
  /// What the order becomes when it is undone; `nil` while it goes forward.
  package var ending: OrderStatus?
  package var failure: OrderFailure?
  package var reservationId: UUID?
  package var paymentId: UUID?
  /// Answers in a row with which nobody can go on.
  package var refusals = 0
  /// How often the step was called.
  package var attempts = 1
  /// Whether the step was called before it was read.
  package var isBegun = false
  /// The number of the owner's lease.
  package var lease = 1
  /// Whether there is no time left for going forward.
  package var isOverdue = false

  /// The saga of an order that was just made.
  package init(_ request: NewOrder, total: Money) {
    orderId = request.id
    userId = request.userId
    lines = request.lines.lines
    self.total = total
    paymentToken = request.paymentToken
    correlationId = request.correlationId
  }

  /// Refusals after which a compensation is stuck.
  package static let maximumRefusals = 5

  /// What follows from a step's outcome.
  package struct Advance: Sendable, Hashable {
    /// The saga after it.
    package var saga: Saga
    /// How the step ended in the table of steps: `done`, `refused`, `failed`; `nil`: it goes on after a rest.
    package var stepEnd: String
    /// What it failed with.
    package var error: String?
    /// Whether the saga rests before it goes on.
    package var rests = false
  }

  /// The saga after `outcome` of its step.
  ///
  /// - Parameter stop: what asks it to turn round, if anything does.
  package func advanced(by outcome: StepOutcome, stop: StopReason?) -> Advance {
    var next = self
    next.version += 1
    var advance = Advance(saga: self, stepEnd: "done")
    switch (step, outcome) {
    case (.reserve, .reserved(let id)):
      next.reservationId = id
      next.status = .reserved
      next.go(to: .charge, unless: stop)
    case (.charge, .captured(let id)):
      next.paymentId = id
      next.status = .paid
      next.go(to: .confirm, unless: stop)
    case (.confirm, .confirmed):
      next.status = .confirmed
      next.state = .done
    case (.refund, .refunded): next.begin(.release)
    case (.release, .released):
      next.status = next.ending ?? .failed
      next.state = .done
    case (_, .refused(let failure, let leavesNothing)):
      (advance.stepEnd, advance.error) = ("refused", "\(failure.code): \(failure.cause ?? failure.detail)")
      next.refuse(failure, stop, leavesNothing: leavesNothing)
      advance.rests = next.state == .compensating && next.step == step
    case (_, .failed(let failure, let leavesNothing)):
      (advance.stepEnd, advance.error) = ("failed", "\(failure.code): \(failure.cause ?? failure.detail)")
      advance.rests = !next.fail(failure, stop, leavesNothing: leavesNothing)
    default: preconditionFailure("\(step) cannot end with \(outcome)")
    }
    advance.saga = next
    return advance
  }

  private mutating func begin(_ step: SagaStep) {
    self.step = step
    attempts = 1
    refusals = 0
  }

  private mutating func go(to step: SagaStep, unless stop: StopReason?) {
    guard let stop else { return begin(step) }
    turn(stop, orElse: nil)
  }

  /// Turns round, or ends where there is nothing to undo. A customer who cancels gets a cancelled order, whatever else has
  /// gone wrong.
  ///
  /// - Parameter leavesNothing: nothing came of this call of the step. A reserve that was called before, by whomever, may
  ///   still arrive.
  private mutating func turn(_ stop: StopReason?, orElse failure: OrderFailure?, leavesNothing: Bool = false) {
    state = .compensating
    switch stop {
    case .cancelled: ending = .cancelled
    case .expired:
      ending = .failed
      self.failure =
        failure ?? OrderFailure(code: "reservation_expired", detail: "The reservation's time ran out.")
    case nil:
      ending = .failed
      self.failure = failure
    }
    if step == .reserve, attempts == 1, leavesNothing {
      status = ending ?? .failed
      state = .done
      return
    }
    // Whether a charge took effect is asked before anything is given back.
    begin(paymentId != nil || step == .charge ? .refund : .release)
  }

  private mutating func refuse(_ failure: OrderFailure, _ stop: StopReason?, leavesNothing: Bool) {
    if state == .compensating {
      refusals += 1
      attempts += 1
      if refusals >= Self.maximumRefusals { state = .stuck }
      return
    }
    // What was declined was not captured.
    let wasDeclined = step == .charge
    turn(stop, orElse: failure, leavesNothing: leavesNothing)
    if wasDeclined { begin(.release) }
  }

  /// - Returns: whether the saga goes on at once, with another step.
  private mutating func fail(_ failure: OrderFailure, _ stop: StopReason?, leavesNothing: Bool) -> Bool {
    switch step {
    case .reserve:
      turn(stop, orElse: failure, leavesNothing: leavesNothing)
      return true
    case .charge where stop != nil || isOverdue:
      turn(stop, orElse: failure)
      return true
    case .charge, .confirm, .refund, .release:
      attempts += 1
      return false
    }
  }
}
