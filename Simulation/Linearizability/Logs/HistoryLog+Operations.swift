extension HistoryLog {
  /// An operation of a register or of a key-value store.
  public typealias Entry<Operation: Sendable> = HistoryOperation<Operation, RegisterModel.Output>

  /// The history of a register.
  ///
  /// - Parameters:
  ///   - allowsCompareAndSet: whether `:cas` is an operation of this register.
  ///   - failure: what a `:fail` of a `:cas` means.
  /// - Throws: ``LogError`` where an event does not belong to such a history.
  public func registerHistory(
    allowsCompareAndSet: Bool, failure: FailedCompareAndSet
  ) throws(LogError) -> [Entry<RegisterModel.Operation>] {
    try history(failure) { event throws(LogError) in
      try event.registerOperation(event.value, allowsCompareAndSet: allowsCompareAndSet)
    } output: { event throws(LogError) in
      event.output(event.value)
    } isCompareAndSet: {
      if case .compareAndSet = $0 { true } else { false }
    }
  }

  /// The history of a key-value store. An event names its key in `:key`, or its value is the pair of key and value.
  ///
  /// - Parameter failure: what a `:fail` of a `:cas` means.
  /// - Throws: ``LogError`` where an event does not belong to such a history.
  public func keyValueHistory(failure: FailedCompareAndSet) throws(LogError) -> [Entry<KeyValueModel.Operation>] {
    try history(failure) { event throws(LogError) in
      let (key, value) = try event.keyAndValue()
      if event.function == "append" {
        guard case .text(let text) = value.content else {
          throw LogError(value.position, "append takes a text, not \(value.written)")
        }
        return KeyValueModel.Operation(key.historyValue, .append(text))
      }
      let operation = try event.registerOperation(value, allowsCompareAndSet: true)
      return KeyValueModel.Operation(key.historyValue, .register(operation))
    } output: { event throws(LogError) in
      event.output(try event.keyAndValue().value)
    } isCompareAndSet: {
      if case .register(.compareAndSet) = $0.action { true } else { false }
    }
  }

  /// Pairs invocations with their ends.
  private func history<Operation: Sendable>(
    _ failure: FailedCompareAndSet,
    operation: (LogEvent) throws(LogError) -> Operation,
    output: (LogEvent) throws(LogError) -> RegisterModel.Output,
    isCompareAndSet: (Operation) -> Bool
  ) throws(LogError) -> [Entry<Operation>] {
    var entries: [Entry<Operation>?] = []
    var open: [Int: (entry: Int, event: LogEvent)] = [:]
    for (moment, event) in events.enumerated() {
      if event.kind == .invoke {
        if let other = open[event.process] {
          throw LogError(
            event.position,
            "process \(event.process) invokes :\(event.function) before its operation of \(other.event.position) ended")
        }
        open[event.process] = (entries.count, event)
        entries.append(
          Entry(
            client: "process \(event.process)", operation: try operation(event), invoked: moment, outcome: .unknown))
        continue
      }
      guard let (index, invocation) = open.removeValue(forKey: event.process) else {
        throw LogError(event.position, "process \(event.process) ends an operation that it did not invoke")
      }
      guard event.function == invocation.function else {
        throw LogError(
          event.functionPosition,
          "process \(event.process) ends :\(event.function), but invoked :\(invocation.function)")
      }
      switch event.kind {
      case .invoke, .info: break
      case .ok: entries[index]?.outcome = .answered(try output(event), at: moment)
      case .fail:
        // `:timed-out` in the place of the value: nobody knows.
        if event.value.keyword != nil { continue }
        if failure == .mismatch, let entry = entries[index], isCompareAndSet(entry.operation) {
          entries[index]?.outcome = .answered(.mismatch, at: moment)
        } else {
          entries[index] = nil
        }
      }
    }
    return entries.compactMap { $0 }
  }
}

extension LogEvent {
  fileprivate func registerOperation(
    _ value: EDNValue, allowsCompareAndSet: Bool
  ) throws(LogError) -> RegisterModel.Operation {
    switch function {
    case "read", "get": return .read
    case "write", "put": return .write(value.historyValue)
    case "cas" where allowsCompareAndSet:
      guard let pair = value.elements, pair.count == 2 else {
        throw LogError(value.position, "cas takes the expected and the new value, as in [1 2], not \(value.written)")
      }
      return .compareAndSet(expected: pair[0].historyValue, new: pair[1].historyValue)
    default:
      throw LogError(functionPosition, "the model has no operation :\(function)")
    }
  }

  fileprivate func output(_ value: EDNValue) -> RegisterModel.Output {
    function == "read" || function == "get" ? .value(value.historyValue) : .done
  }

  fileprivate func keyAndValue() throws(LogError) -> (key: EDNValue, value: EDNValue) {
    if let key { return (key, value) }
    guard let pair = value.elements, pair.count == 2 else {
      throw LogError(
        value.position, "an operation has a :key, or its value is a pair of key and value, as in [\"x\" 3]")
    }
    return (pair[0], pair[1])
  }
}
