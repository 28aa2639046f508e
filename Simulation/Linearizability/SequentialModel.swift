/// What an object does when its operations come one after the other: the specification that a concurrent history is
/// judged by.
///
/// A history is linearizable if every operation can be given one moment between its invocation and its answer, such that
/// the operations, in the order of these moments, do what the model says (Herlihy, Wing: "Linearizability: A Correctness
/// Condition for Concurrent Objects", 1990).
public protocol SequentialModel<Operation, Output>: Sendable {
  /// What the object remembers.
  associatedtype State: Hashable & Sendable
  /// What a client asks for.
  associatedtype Operation: Sendable
  /// What a client is answered.
  associatedtype Output: Sendable
  /// What names a part of the object that is independent of every other: a key, a product.
  associatedtype Partition: Hashable & Sendable

  /// The part of the object that `operation` concerns.
  ///
  /// A history is linearizable if and only if the history of each part is, so that the parts are judged one by one.
  func partition(of operation: Operation) -> Partition

  /// What a part of the object remembers at first.
  func initialState(of partition: Partition) -> State

  /// Plays one operation.
  ///
  /// - Parameter output: what was answered, or `nil` where nobody knows. The next state must then be the one after every
  ///   answer that changes the state; whether the operation happened at all is the checker's question, not the model's.
  /// - Returns: the next state, or `nil` if an object in this state does not answer so.
  func step(_ state: State, _ operation: Operation, _ output: Output?) -> State?

  /// Whether the operation may change the state. One that cannot and was never answered says nothing.
  func changesState(_ operation: Operation) -> Bool

  /// An operation and its answer as people read them: `read → 3`.
  func describe(_ operation: Operation, _ output: Output?) -> String

  /// A part of the object as people read it: `key "x"`.
  func describe(partition: Partition) -> String

  /// A state as people read it.
  func describe(state: State) -> String
}

extension SequentialModel {
  public func changesState(_ operation: Operation) -> Bool { true }

  public func describe(_ operation: Operation, _ output: Output?) -> String {
    output.map { "\(operation) → \($0)" } ?? "\(operation) → ?"
  }

  public func describe(partition: Partition) -> String { "\(partition)" }

  public func describe(state: State) -> String { "\(state)" }
}
