/// A register that can be read, written, and set if it holds an expected value.
public struct RegisterModel: SequentialModel {
  /// What a client asks for.
  public enum Operation: Sendable, Hashable {
    case read
    case write(HistoryValue)
    case compareAndSet(expected: HistoryValue, new: HistoryValue)
  }

  /// What a client is answered.
  public enum Output: Sendable, Hashable {
    /// The value read.
    case value(HistoryValue)
    /// Done.
    case done
    /// The register held another value than the expected one.
    case mismatch
  }

  /// There is one register.
  public enum Partition: Hashable, Sendable { case register }

  private let initial: HistoryValue

  /// A register that holds `initial` at first.
  public init(initial: HistoryValue = .nothing) {
    self.initial = initial
  }

  public func partition(of operation: Operation) -> Partition { .register }

  public func initialState(of partition: Partition) -> HistoryValue { initial }

  public func step(_ state: HistoryValue, _ operation: Operation, _ output: Output?) -> HistoryValue? {
    switch (operation, output) {
    case (.read, .value(let value)): value == state ? state : nil
    case (.read, nil): state
    case (.write(let value), .done), (.write(let value), nil): value
    case (.compareAndSet(let expected, let new), .done): expected == state ? new : nil
    case (.compareAndSet(let expected, _), .mismatch): expected == state ? nil : state
    case (.compareAndSet(let expected, let new), nil): expected == state ? new : state
    case (.read, _), (.write, _), (.compareAndSet, _): nil
    }
  }

  public func changesState(_ operation: Operation) -> Bool { operation != .read }

  public func describe(_ operation: Operation, _ output: Output?) -> String {
    switch (operation, output) {
    case (.read, .value(let value)): "read → \(value)"
    case (.read, _): "read → ?"
    case (.write(let value), let output): "write \(value)" + (output == nil ? " → ?" : "")
    case (.compareAndSet(let expected, let new), let output):
      "cas \(expected) \(new)" + (output == .done ? "" : output == .mismatch ? " → mismatch" : " → ?")
    }
  }

  public func describe(partition: Partition) -> String { "the register" }

  public func describe(state: HistoryValue) -> String { "it holds \(state)" }
}
