import Linearizability
import Testing

/// A FIFO queue, the object of Herlihy and Wing's first figure: a model that a user of the library would write.
struct QueueModel: SequentialModel {
  enum Operation: Sendable, Hashable { case enqueue(String), dequeue }

  func partition(of operation: Operation) -> Int { 0 }
  func initialState(of partition: Int) -> [String] { [] }

  /// Outputs are what was dequeued, and the empty text for what was enqueued.
  func step(_ state: [String], _ operation: Operation, _ output: String?) -> [String]? {
    switch operation {
    case .enqueue(let item): return state + [item]
    case .dequeue:
      guard let first = state.first else { return output == nil ? state : nil }
      return output == nil || output == first ? Array(state.dropFirst()) : nil
    }
  }
}

@Suite struct LiteratureTests {
  private typealias Queue = HistoryOperation<QueueModel.Operation, String>
  private let queue = LinearizabilityChecker(QueueModel())

  private func enqueue(_ item: String, _ client: String, _ from: Int, _ to: Int) -> Queue {
    Queue(client: client, .enqueue(item), "", from: from, to: to)
  }

  private func dequeue(_ item: String, _ client: String, _ from: Int, _ to: Int) -> Queue {
    Queue(client: client, .dequeue, item, from: from, to: to)
  }

  // Herlihy and Wing, 1990, the four histories of a queue in figure 1.

  @Test func overlappingEnqueuesMayTakeEffectInEitherOrder() {
    let history = [
      enqueue("x", "A", 1, 5), enqueue("y", "B", 2, 4), dequeue("y", "A", 6, 9), dequeue("x", "B", 7, 10),
      enqueue("z", "A", 11, 12),
    ]
    #expect(queue.isLinearizable(history) == true)
  }

  @Test func aQueueGivesTheOldestItemFirst() {
    let history = [enqueue("x", "A", 1, 2), enqueue("y", "B", 3, 4), dequeue("y", "A", 5, 6)]
    #expect(queue.isLinearizable(history) == false)
  }

  @Test func anItemMayLeaveBeforeItsEnqueueIsAnswered() {
    let history = [enqueue("x", "A", 1, 4), dequeue("x", "B", 2, 3)]
    #expect(queue.isLinearizable(history) == true)
  }

  @Test func anItemLeavesOnce() {
    let history = [
      enqueue("x", "A", 1, 2), enqueue("y", "B", 3, 7), dequeue("y", "A", 4, 8), dequeue("y", "C", 5, 9),
    ]
    #expect(queue.isLinearizable(history) == false)
  }

  // Registers: the examples of Porcupine's README.

  @Test func aReadThatOverlapsAWriteMaySeeItOrNot() {
    let register = LinearizabilityChecker(RegisterModel(initial: 0))
    let history = [write(100, "A", 0, 100), read(100, "B", 25, 75), read(0, "C", 30, 60)]
    #expect(register.isLinearizable(history) == true)
  }

  @Test func aWriteThatWasSeenIsNotUndone() {
    let register = LinearizabilityChecker(RegisterModel(initial: 0))
    let history = [write(200, "A", 0, 100), read(200, "B", 10, 30), read(0, "C", 40, 90)]
    #expect(register.isLinearizable(history) == false)
  }

  // As etcd's register is tested.

  @Test func ofTwoSwapsFromOneValueOneSucceeds() {
    let both = [write(1, "A", 1, 2), swap(1, 2, "B", 3, 6), swap(1, 3, "C", 4, 7)]
    let register = LinearizabilityChecker(RegisterModel())
    #expect(register.isLinearizable(both) == false)
    #expect(register.isLinearizable(Array(both.prefix(2)) + [swap(1, 3, "C", 4, 7, .mismatch)]) == true)
    #expect(register.isLinearizable(Array(both.prefix(2)) + [swap(2, 3, "C", 4, 7)]) == true)
  }

  @Test func aLostUpdateIsFound() throws {
    // Both read 0 and write what they made of it; the read shows one of the two.
    let history = [
      read(0, "A", 1, 2), read(0, "B", 1, 3), swap(0, 1, "A", 4, 6), swap(0, 2, "B", 5, 7), read(2, "C", 8, 9),
    ]
    let failure = try #require(LinearizabilityChecker(RegisterModel(initial: 0)).failure(of: history))
    #expect(failure.operations.map(\.client) == ["A", "B"])
    #expect(failure.operations.map(\.invoked) == [4, 5])
  }

  @Test func aStaleReadIsFoundAndMadeSmall() throws {
    let history = [
      write(1, "A", 1, 2), read(1, "B", 3, 4), write(2, "A", 5, 6), read(2, "B", 7, 8), write(3, "A", 9, 10),
      read(2, "B", 11, 12), write(4, "A", 13, 14), read(4, "B", 15, 16),
    ]
    let failure = try #require(LinearizabilityChecker(RegisterModel()).failure(of: history))
    #expect(failure.operations.map(\.invoked) == [9, 11])
    #expect(failure.leftOut == 4)
    #expect(failure.later == 2)
    #expect(failure.isMinimal)
  }
}

func write(_ value: HistoryValue, _ client: String, _ from: Int, _ to: Int?) -> RegisterEntry {
  entry(.write(value), .done, client, from, to)
}

func read(_ value: HistoryValue, _ client: String, _ from: Int, _ to: Int?) -> RegisterEntry {
  entry(.read, .value(value), client, from, to)
}

func swap(
  _ expected: HistoryValue, _ new: HistoryValue, _ client: String, _ from: Int, _ to: Int?,
  _ output: RegisterModel.Output = .done
) -> RegisterEntry {
  entry(.compareAndSet(expected: expected, new: new), output, client, from, to)
}

private func entry(
  _ operation: RegisterModel.Operation, _ output: RegisterModel.Output, _ client: String, _ from: Int, _ to: Int?
) -> RegisterEntry {
  RegisterEntry(
    client: client, operation: operation, invoked: from, outcome: to.map { .answered(output, at: $0) } ?? .unknown)
}

typealias RegisterEntry = HistoryOperation<RegisterModel.Operation, RegisterModel.Output>
