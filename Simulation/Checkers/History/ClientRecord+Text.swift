internal import FoundationEssentials
internal import Seams

extension ClientRecord {
  /// The request and its answer in one line, for evidence: who asked what, from when to when in seconds of virtual time,
  /// and what came back.
  public var line: String {
    let tries = attempts == 1 ? "" : ", attempt \(attempts)"
    return "\(client): \(operation), \(start.seconds) … \(end.seconds) s\(tries): \(answer)"
  }
}

extension ClientRecord.Operation: CustomStringConvertible {
  /// What was asked, in words: `reserve 2 of … for order …`.
  public var description: String {
    switch self {
    case .reserve(let orderId, let lines):
      "reserve \(lines.map(\.description).joined(separator: " and ")) for order \(orderId)"
    case .confirm(let id): "confirm reservation \(id)"
    case .release(let id): "release reservation \(id)"
    case .releaseOrder(let orderId): "release the reservation of order \(orderId)"
    case .put(let id, let quantity, let version): "set product \(id) to quantity \(quantity) at version \(version)"
    case .replenish(let id, let quantity, let key): "replenish product \(id) by \(quantity) under key \(key)"
    case .readItem(let id): "read product \(id)"
    case .readItems(let ids): "read products \(ids.map { $0.uuidString.lowercased() }.joined(separator: ", "))"
    case .readReservation(let id): "read reservation \(id)"
    case .readAggregate(.lowStock(let threshold, let limit)):
      "read the first \(limit) products with at most \(threshold) available"
    case .readAggregate(.mostReserved(let limit)): "read the \(limit) most reserved products"
    case .readAggregate(.stats): "read the statistics"
    case .expire: "run the expiry job"
    }
  }
}

extension ClientRecord.Line: CustomStringConvertible {
  /// `2 of` and the product's id.
  public var description: String { "\(quantity) of \(productId)" }
}

extension ClientRecord.Answer: CustomStringConvertible {
  /// The status and whatever else was told.
  public var description: String {
    var parts = [code.map { "\(status) \($0)" } ?? "\(status)"]
    if let reservationId {
      parts.append("reservation \(reservationId)" + (reservationStatus.map { " \($0)" } ?? ""))
    } else if let reservationStatus {
      parts.append("the reservation is \(reservationStatus)")
    }
    if let item { parts.append("\(item)") }
    parts += shortages.map { "\($0.available) available of \($0.requested) of \($0.productId)" }
    parts += unknownProducts.map { "product \($0) unknown" }
    if let items { parts.append("\(items.count) items" + items.map { "; \($0)" }.joined()) }
    if let stats { parts.append("\(stats)") }
    if let expired { parts.append("\(expired) expired, \(unitsReturned ?? 0) units") }
    if let currentVersion { parts.append("current version \(currentVersion)") }
    if let reserved { parts.append("\(reserved) reserved") }
    if isFromCache { parts.append("from the cache") }
    return parts.joined(separator: ", ")
  }
}

extension ClientRecord.Stats: CustomStringConvertible {
  /// The figures, each with its name.
  public var description: String {
    "\(products) products, quantity \(quantity), reserved \(reserved), available \(available), \(soldOut) sold out, "
      + "\(pendingReservations) pending reservations"
  }
}

extension MonotonicInstant {
  /// Seconds of virtual time with six digits after the point, as events show them.
  var seconds: String {
    let micros = nanoseconds / 1_000
    return "\(micros / 1_000_000).\(String(micros % 1_000_000 + 1_000_000).dropFirst())"
  }
}

extension DefaultStringInterpolation {
  /// Ids are written in lower case, as the services and the database write them.
  mutating func appendInterpolation(_ id: UUID) {
    appendLiteral(id.uuidString.lowercased())
  }
}
