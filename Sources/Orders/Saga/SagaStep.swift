package import FoundationEssentials

/// What a saga does next. Forward: reserve, charge, confirm. Compensating: refund, release.
package enum SagaStep: String, Sendable, Hashable, CaseIterable {
  case reserve, charge, confirm, refund, release
}

/// Where a saga stands.
package enum SagaState: String, Sendable, Hashable, CaseIterable {
  /// On its way to a confirmed order.
  case forward
  /// Undoing what it did.
  case compensating
  /// Over: the order is in its final state.
  case done
  /// Somebody answers in a way with which nobody can go on: an operator has to look.
  case stuck
}

/// What asks a saga to turn round.
package enum StopReason: String, Sendable, Hashable, CaseIterable {
  /// The customer.
  case cancelled
  /// The reservation's end.
  case expired
}

/// What became of a step.
package enum StepOutcome: Sendable, Hashable {
  case reserved(reservationId: UUID)
  case captured(paymentId: UUID)
  case confirmed
  /// Nothing is captured any more, or nothing ever was.
  case refunded
  /// Nothing is held any more, or nothing ever was.
  case released
  /// Somebody says no, and would say it again: the order comes to nothing, or a compensation cannot go on.
  /// `leavesNothing`: nothing that was asked for took effect, or still may.
  case refused(OrderFailure, leavesNothing: Bool = false)
  /// Nobody knows, or nobody could be asked; the latter `leavesNothing`.
  case failed(OrderFailure, leavesNothing: Bool = false)
}
