import FoundationEssentials
import Seams
import ServiceKit

/// What a batch of records writes.
struct SagaWrites {
  private var sagas: [Saga] = []
  private var pauses: [Int] = []
  private var ends: [SagaSQL.StepEnd] = []
  private var begins: [(orderId: UUID, step: SagaStep)] = []
  private var entered: [(orderId: UUID, status: OrderStatus)] = []
  private var over: [Saga] = []

  /// Whether an event is among them.
  var hasEvents: Bool { !over.isEmpty }

  /// Adds what a saga has come to.
  ///
  /// - Parameters:
  ///   - before: the saga at the step that is over.
  ///   - pause: how long it rests.
  mutating func add(_ advance: Saga.Advance, from before: Saga, pause: Duration) {
    let saga = advance.saga
    sagas.append(saga)
    pauses.append(advance.rests ? max(1, pause.inMilliseconds) : 0)
    ends.append(.init(orderId: saga.orderId, step: before.step, status: advance.stepEnd, error: advance.error))
    if saga.state != .done, saga.state != .stuck, !advance.rests { begins.append((saga.orderId, saga.step)) }
    if saga.status != before.status { entered.append((saga.orderId, saga.status)) }
    if saga.state == .done { over.append(saga) }
  }

  /// The statements, with COMMIT at their end.
  func statements(owner: UUID, times: SagaTimes, newId: () -> UUID) -> [SQLStatement] {
    guard !sagas.isEmpty else { return [TransactionSQL.commit] }
    var statements = [SagaSQL.store(sagas, pauses: pauses, owner: owner, times: times), SagaSQL.endSteps(ends)]
    if !begins.isEmpty { statements.append(SagaSQL.beginSteps(begins)) }
    if !entered.isEmpty { statements.append(CreateSQL.insertHistory(entered)) }
    if !over.isEmpty {
      statements.append(SagaSQL.notify(over.map { (newId(), $0) }))
      statements.append(OutboxSQL.insert(over.map { $0.lastEvent(id: newId()) }))
    }
    return statements + [TransactionSQL.commit]
  }
}

extension Saga {
  /// The event that tells of its end.
  fileprivate func lastEvent(id: UUID) -> OrderEvent {
    let kind: OrderEvent.Kind =
      switch status {
      case .confirmed: .orderConfirmed
      case .cancelled: .orderCancelled
      case .failed: .orderFailed
      case .pending, .reserved, .paid: preconditionFailure("the order \(orderId) is not over: \(status)")
      }
    return OrderEvent(
      kind, id: id, orderId: orderId, userId: userId, total: total, failure: status == .failed ? failure : nil,
      correlationId: correlationId)
  }
}
