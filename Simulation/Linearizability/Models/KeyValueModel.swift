/// A map of keys to registers, to whose values texts can be appended. Each key is a partition.
public struct KeyValueModel: SequentialModel {
  /// What a client asks for.
  public struct Operation: Sendable, Hashable {
    /// What is asked of a key.
    public enum Action: Sendable, Hashable {
      /// An operation of a register.
      case register(RegisterModel.Operation)
      /// Writes the text after the one that is there; a key without value counts as an empty text.
      case append(String)
    }

    public var key: HistoryValue
    public var action: Action

    public init(_ key: HistoryValue, _ action: Action) {
      self.key = key
      self.action = action
    }
  }

  private let initial: HistoryValue
  private let register = RegisterModel()

  /// A map whose keys all hold `initial` at first. Where that is nothing, a read that answers the empty text is right
  /// too.
  public init(initial: HistoryValue = .nothing) {
    self.initial = initial
  }

  public func partition(of operation: Operation) -> HistoryValue { operation.key }

  public func initialState(of partition: HistoryValue) -> HistoryValue { initial }

  public func step(_ state: HistoryValue, _ operation: Operation, _ output: RegisterModel.Output?) -> HistoryValue? {
    switch operation.action {
    case .register(.read) where state == .nothing && output == .value(""): return state
    case .register(let operation): return register.step(state, operation, output)
    case .append(let text):
      guard output == .done || output == nil else { return nil }
      switch state {
      case .nothing: return .text(text)
      case .text(let old): return .text(old + text)
      case .integer, .other: return nil
      }
    }
  }

  public func changesState(_ operation: Operation) -> Bool { operation.action != .register(.read) }

  public func describe(_ operation: Operation, _ output: RegisterModel.Output?) -> String {
    switch operation.action {
    case .register(let operation): register.describe(operation, output)
    case .append(let text): "append \"\(text)\"" + (output == nil ? " → ?" : "")
    }
  }

  public func describe(partition: HistoryValue) -> String { "key \(partition)" }

  public func describe(state: HistoryValue) -> String { register.describe(state: state) }
}
