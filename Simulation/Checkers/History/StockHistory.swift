internal import FoundationEssentials
internal import Linearizability
internal import Seams

/// What clients asked and were told, as a history of the stock, product by product.
///
/// A request that was sent several times is one operation from its first attempt on, since a retry is the same request;
/// an update by version is not: only one of its attempts can have won. Where nobody was told what became of a request, or
/// of a reservation that expired, the tables say it: it was done when they first said so, or never.
struct StockHistory {
  typealias Model = StockIsLinearizable.Model
  typealias Entry = LinearizabilityChecker<Model>.Entry

  private let shadow: InventoryShadow
  /// The lines that clients asked for, by order.
  private var asked: [UUID: [ClientRecord.Line]] = [:]
  /// The history.
  private(set) var entries: [Entry] = []
  /// The history with each change at the moment at which the tables show it, where that is within the request's life. An
  /// order of these is one of the history, and is found at once: it is the one that happened.
  private(set) var witnessed: [Entry] = []

  /// The history of `requests`, whose traces are in `shadow`.
  init(_ requests: [ClientRequest], _ shadow: InventoryShadow) {
    self.shadow = shadow
    for request in requests {
      guard case .reserve(let order, let lines) = request.operation else { continue }
      if asked[order] == nil { asked[order] = lines }
    }
    for request in requests { add(request) }
    addExpiries()
    addRest(after: requests)
  }

  private mutating func add(_ request: ClientRequest) {
    let code = request.answered?.answer.code
    switch request.operation {
    case .reserve(let order, let lines): addReserve(request, order, lines, code)
    case .confirm(let id): addEnd(request, of: id, Model.Action.confirm, as: "confirmed")
    case .release(let id): addEnd(request, of: id, Model.Action.release, as: "released")
    case .releaseOrder(let order): addEndOfOrder(request, order)
    case .put(let product, let quantity, let version): addPut(request, product, quantity, version, code)
    case .replenish(let product, let quantity, let key):
      let output = request.answered?.answer.item.map { Model.Output.stock(StockIsLinearizable.stock($0)) }
      let moment = shadow.replenished(product, key: key)
      if output == nil, moment == nil { return }
      append(request, product, .replenish(units: quantity, key: key), output, shownAt: moment)
    case .readItem(let product):
      if let item = request.answered?.answer.item {
        append(request, product, .read, .stock(StockIsLinearizable.stock(item)))
      } else if code == "product_not_found" {
        append(request, product, .read, .notFound)
      }
    case .readReservation, .readAggregate, .expire: break
    }
  }

  private mutating func addReserve(
    _ request: ClientRequest, _ order: UUID, _ lines: [ClientRecord.Line], _ code: String?
  ) {
    // Another attempt than the one that was answered may have made the reservation, even later.
    let isOpen = code == nil ? !request.isDone : request.attempts > 1
    let made = moment(of: order, "pending", after: request)
    for line in lines {
      let action = Model.Action.reserve(order, units: line.quantity)
      let output: Model.Output? =
        switch code {
        case nil: request.isDone ? .done : nil
        case "insufficient_stock":
          request.answered?.answer.shortages.first { $0.productId == line.productId }
            .map { .insufficient(available: $0.available) }
        case "product_not_found":
          request.answered?.answer.unknownProducts.contains(line.productId) == true ? .notFound : nil
        case "reservation_not_pending": .notPending
        case "reservation_expired": .expired
        case "idempotency_key_reused": .otherLines
        default: nil
        }
      if let output { append(request, line.productId, action, output, shownAt: output == .done ? made : nil) }
      if isOpen, let made { append(request, line.productId, action, .done, at: made, shownAt: made) }
    }
  }

  private mutating func addEnd(
    _ request: ClientRequest, of id: UUID, _ action: (UUID) -> Model.Action, as status: String
  ) {
    guard let row = shadow.reservations[id] else { return }
    addEnd(
      request, ended(id, status, after: request), action(row.orderId), of: (shadow.lines[id] ?? []).map(\.productId),
      expired: ended(id, "expired", after: request))
  }

  private mutating func addEndOfOrder(_ request: ClientRequest, _ order: UUID) {
    addEnd(
      request, moment(of: order, "released", after: request), .releaseOrder(order),
      of: (asked[order] ?? []).map(\.productId), expired: moment(of: order, "expired", after: request))
  }

  /// - Parameters:
  ///   - shown: when the tables first showed it done, if the request can have done it.
  ///   - expired: when they showed the reservation expired, if that was after the request began. A release that is told
  ///     that it was done then found it so.
  private mutating func addEnd(
    _ request: ClientRequest, _ shown: MonotonicInstant?, _ action: Model.Action, of products: [UUID],
    expired: MonotonicInstant?
  ) {
    let told = Self.end(request)
    guard let end = told?.end ?? shown else { return }
    let output = told?.output ?? .done
    for product in products {
      append(
        request, product, action, output, at: end, shownAt: output == .done ? shown : nil,
        notBefore: output == .done ? expired : nil)
    }
  }

  /// What the client of a confirmation or a release was told, and when.
  private static func end(_ request: ClientRequest) -> (output: Model.Output, end: MonotonicInstant)? {
    guard let answered = request.answered else { return nil }
    switch answered.answer.code {
    case nil: return request.isDone ? (.done, answered.end) : nil
    case "reservation_not_pending": return (.notPending, answered.end)
    case "reservation_expired": return (.expired, answered.end)
    default: return nil
    }
  }

  /// When the reservation of `order` became `status`, if `request` can have been what made it so.
  private func moment(of order: UUID, _ status: String, after request: ClientRequest) -> MonotonicInstant? {
    shadow.reservation(ofOrder: order).flatMap { ended($0, status, after: request) }
  }

  private func ended(_ id: UUID, _ status: String, after request: ClientRequest) -> MonotonicInstant? {
    shadow.moment(reservation: id, became: status).flatMap { $0 >= request.start ? $0 : nil }
  }

  private mutating func addPut(
    _ request: ClientRequest, _ product: UUID, _ quantity: Int, _ version: Int, _ code: String?
  ) {
    let answer = request.answered?.answer
    let output: Model.Output? =
      switch code {
      case nil: answer?.item.map { .stock(StockIsLinearizable.stock($0)) }
      case "version_conflict": answer?.currentVersion.map { .conflict(version: $0) }
      case "quantity_below_reserved": .belowReserved
      case "product_not_found": .notFound
      default: nil
      }
    let action = Model.Action.put(quantity: quantity, version: version)
    // One of the attempts can have won at most: the others are conflicts.
    if output == nil || request.attempts > 1 { append(request, product, action, nil) }
    guard let output else { return }
    var moment: MonotonicInstant?
    if case .stock(let stock) = output { moment = shadow.moment(item: product, hadVersion: stock.version) }
    append(request, product, action, output, shownAt: moment)
  }

  /// What the expiry job did, which nobody is told.
  private mutating func addExpiries() {
    for (order, lines) in asked.sorted(by: { $0.key < $1.key }) {
      guard let id = shadow.reservation(ofOrder: order), let moment = shadow.moment(reservation: id, became: "expired")
      else { continue }
      let time = Int(moment.nanoseconds)
      for line in lines {
        let entry = Entry(client: "expiry job", .init(line.productId, .expire(order)), .done, from: time, to: time)
        entries.append(entry)
        witnessed.append(entry)
      }
    }
  }

  /// What the tables say in the end is what a last client would read.
  private mutating func addRest(after requests: [ClientRequest]) {
    let end = requests.map { Int(($0.answered?.end ?? $0.start).nanoseconds) }.max() ?? 0
    for item in shadow.items.values.sorted(by: { $0.productId < $1.productId }) {
      let entry = Entry(
        client: "tables", .init(item.productId, .read), .stock(StockIsLinearizable.stock(item)), from: end + 1,
        to: end + 1)
      entries.append(entry)
      witnessed.append(entry)
    }
  }

  /// Adds an operation of a request.
  ///
  /// - Parameters:
  ///   - end: when `output` was told or came to light; at the request's answer unless given.
  ///   - shown: when the tables first showed its effect.
  ///   - earliest: when the tables first showed what it found.
  private mutating func append(
    _ request: ClientRequest, _ product: UUID, _ action: Model.Action, _ output: Model.Output?,
    at end: MonotonicInstant? = nil, shownAt shown: MonotonicInstant? = nil,
    notBefore earliest: MonotonicInstant? = nil
  ) {
    var entry = Entry(
      client: request.client, operation: .init(product, action), invoked: Int(request.start.nanoseconds),
      outcome: .unknown)
    guard let output, let end = end ?? request.answered?.end else {
      entries.append(entry)
      witnessed.append(entry)
      return
    }
    entry.outcome = .answered(output, at: Int(end.nanoseconds))
    entries.append(entry)
    if let shown, shown >= request.start, shown <= end {
      entry.invoked = Int(shown.nanoseconds)
      entry.outcome = .answered(output, at: entry.invoked)
    } else if let earliest, earliest > request.start, earliest <= end {
      entry.invoked = Int(earliest.nanoseconds)
    }
    witnessed.append(entry)
  }
}

extension ClientRequest {
  /// Whether the client was told that it was done.
  fileprivate var isDone: Bool { answered.map { $0.answer.status < 300 } ?? false }
}
