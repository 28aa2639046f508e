/// A model whose object is judged as a whole: the baseline that shows what partitioning is worth.
public struct Unpartitioned<Base: SequentialModel>: SequentialModel {
  /// The states of all parts.
  public struct State: Hashable, Sendable {
    var parts = DigestMap<Base.Partition, Base.State>()
  }

  /// The one part there is.
  public enum Whole: Hashable, Sendable { case whole }

  private let base: Base

  /// The object of `base`, in one part.
  public init(_ base: Base) {
    self.base = base
  }

  public func partition(of operation: Base.Operation) -> Whole { .whole }

  public func initialState(of partition: Whole) -> State { State() }

  public func step(_ state: State, _ operation: Base.Operation, _ output: Base.Output?) -> State? {
    let part = base.partition(of: operation)
    let before = state.parts[part] ?? base.initialState(of: part)
    guard let after = base.step(before, operation, output) else { return nil }
    var next = state
    if after != before { next.parts[part] = after }
    return next
  }

  public func changesState(_ operation: Base.Operation) -> Bool { base.changesState(operation) }

  public func describe(_ operation: Base.Operation, _ output: Base.Output?) -> String {
    "\(base.describe(partition: base.partition(of: operation))): \(base.describe(operation, output))"
  }

  public func describe(partition: Whole) -> String { "the whole object" }

  public func describe(state: State) -> String { "the states of all its parts" }
}
