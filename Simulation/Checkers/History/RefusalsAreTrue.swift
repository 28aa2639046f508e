/// Nothing is undersold: a request is refused for want of stock only if there was too little at some moment while it was
/// under way.
public final class RefusalsAreTrue: HistoryChecker {
  public init() {}

  public func judge(_ record: ClientRecord, in shadow: InventoryShadow) -> Violation? {
    guard record.answer.code == "insufficient_stock", case .reserve = record.operation else { return nil }
    if record.answer.shortages.isEmpty {
      return Violation("a refusal for want of stock names the shortages", [record.line])
    }
    for shortage in record.answer.shortages {
      let seen = shadow.availability(of: shortage.productId, from: record.start, to: record.end)
      if let least = seen.min(), least >= shortage.requested {
        return Violation(
          "a request is refused only for stock that was not there",
          [record.line, "available of \(shortage.productId) while it was under way: \(seen)"])
      }
    }
    return nil
  }
}
