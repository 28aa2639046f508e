/// A small part of a history that is not linearizable, and therefore the reason why the whole is not.
public struct Counterexample<Model: SequentialModel>: Sendable {
  /// An entry of a history.
  public typealias Entry = HistoryOperation<Model.Operation, Model.Output>

  /// The part of the object.
  public let partition: Model.Partition
  /// The operations that are enough, in the order in which they were invoked: leaving out one more, whether or not it
  /// took effect, leaves an order that fits, unless ``isMinimal`` is false.
  public let operations: [Entry]
  /// How many operations of the same partition had all been answered before the first of ``operations`` began; every
  /// order of them leads to ``start``.
  public let earlier: Int
  /// The state before ``operations``.
  public let start: Model.State
  /// How many other operations of the same partition were invoked before the failure and are left out: it stays whether
  /// or not they took effect.
  public let leftOut: Int
  /// How many operations of the same partition came after the failure.
  public let later: Int
  /// An order of some of ``operations`` that gets as far as any: after it, none of the others that could come next was
  /// answered as the model would. Operations that were left out are in it where they are needed, with an unknown outcome.
  public let longestOrder: [Entry]
  /// The state after ``longestOrder``.
  public let state: Model.State
  /// Whether every operation was tried to be left out.
  public let isMinimal: Bool
  let model: Model
}
