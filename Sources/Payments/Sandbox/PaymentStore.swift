package import FoundationEssentials
internal import Synchronization

/// What the sandbox remembers. Each call takes effect at once and as a whole.
package protocol PaymentStore: Sendable {
  /// Notes that a charge was asked for under `key`; the first request decides what `hash` belongs to the key.
  func begin(key: String, hash: [UInt8]) async -> ChargeAttempt

  /// Captures `payment` under a key that was begun, unless something was captured under it before.
  ///
  /// - Returns: the payment that the key stands for.
  func capture(_ payment: Payment, key: String) async -> Payment

  /// Refunds the payment `id`, once; `nil` when there is none.
  func refund(_ id: UUID) async -> Payment?

  /// The payments of an order, oldest first.
  func payments(orderId: UUID) async -> [Payment]
}

/// What a store knows of a key when a charge is asked for under it.
package enum ChargeAttempt: Sendable, Hashable {
  /// The key belongs to another request.
  case otherRequest
  /// This was captured under it before, and perhaps refunded since.
  case captured(Payment)
  /// Nothing was captured yet, and this is the request number `Int`, from 1.
  case open(Int)
}

/// Remembers in memory. One that outlives a simulated process is the sandbox's disk.
package final class InMemoryPaymentStore: PaymentStore {
  private struct Key {
    var hash: [UInt8]
    var attempts = 0
    var paymentIndex: Int?
  }

  private struct State {
    var keys: [String: Key] = [:]
    var payments: [Payment] = []
    var indices: [UUID: Int] = [:]
    var indicesByOrder: [UUID: [Int]] = [:]
  }

  private let state = Mutex(State())

  /// A store without payments.
  package init() {}

  /// Every payment, oldest first.
  package var payments: [Payment] { state.withLock { $0.payments } }

  package func begin(key: String, hash: [UInt8]) -> ChargeAttempt {
    state.withLock { state in
      var entry = state.keys[key] ?? Key(hash: hash)
      guard entry.hash == hash else { return .otherRequest }
      entry.attempts += 1
      state.keys[key] = entry
      return entry.paymentIndex.map { .captured(state.payments[$0]) } ?? .open(entry.attempts)
    }
  }

  package func capture(_ payment: Payment, key: String) -> Payment {
    state.withLock { state in
      guard var entry = state.keys[key] else { preconditionFailure("a charge is begun before it is captured") }
      if let index = entry.paymentIndex { return state.payments[index] }
      let index = state.payments.count
      state.payments.append(payment)
      state.indices[payment.id] = index
      state.indicesByOrder[payment.orderId, default: []].append(index)
      entry.paymentIndex = index
      state.keys[key] = entry
      return payment
    }
  }

  package func refund(_ id: UUID) -> Payment? {
    state.withLock { state in
      guard let index = state.indices[id] else { return nil }
      state.payments[index].status = .refunded
      return state.payments[index]
    }
  }

  package func payments(orderId: UUID) -> [Payment] {
    state.withLock { state in (state.indicesByOrder[orderId] ?? []).map { state.payments[$0] } }
  }
}
