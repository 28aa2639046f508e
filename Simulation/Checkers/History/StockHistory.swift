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
  /// order of these is one of the history, and is found at once: it is the one that happened. Its moments are finer than
  /// nanoseconds: what one transaction changed, it changed in an order.
  private(set) var witnessed: [Entry] = []
  /// Versions that clients were told they had won.
  private var won: Set<ItemVersion> = []

  private struct ItemVersion: Hashable {
    var product: UUID
    var version: Int
  }

  /// Moments of the witness in a nanosecond.
  private static let moments = 4_096

  /// The history of `requests`, whose traces are in `shadow`.
  init(_ requests: [ClientRequest], _ shadow: InventoryShadow) {
    self.shadow = shadow
    for request in requests {
      switch request.operation {
      case .reserve(let order, let lines): if asked[order] == nil { asked[order] = lines }
      case .put(let product, _, let version):
        if request.isDone { won.insert(.init(product: product, version: version)) }
      default: break
      }
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
      addReplenish(request, product, quantity, key)
    case .readItem(let product):
      if let item = request.answered?.answer.item {
        append(request, product, .read, .stock(StockIsLinearizable.stock(item)))
      } else if code == "product_not_found" {
        append(request, product, .read, .notFound)
      }
    case .readItems:
      for item in request.answered?.answer.items ?? [] {
        append(request, item.productId, .read, .stock(StockIsLinearizable.stock(item)))
      }
    case .readReservation, .readAggregate, .expire: break
    }
  }

  private mutating func addReserve(
    _ request: ClientRequest, _ order: UUID, _ lines: [ClientRecord.Line], _ code: String?
  ) {
    // Another attempt than the one that was answered may have made the reservation, even later; and an attempt whose
    // commit's answer was lost finds, when it looks again, that what it made has ended meanwhile.
    let hasEnded = code == "reservation_not_pending" || code == "reservation_expired"
    let isOpen = code == nil ? !request.isDone : hasEnded || request.attempts > 1
    let made = shadow.reservation(ofOrder: order).flatMap { moment(of: $0, "pending", after: request) }
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
      if let output { append(request, line.productId, action, output, shown: output == .done ? made : nil) }
      if isOpen, let made { append(request, line.productId, action, .done, at: made.time, shown: made) }
    }
  }

  private mutating func addEnd(
    _ request: ClientRequest, of id: UUID, _ action: (UUID) -> Model.Action, as status: String
  ) {
    guard let row = shadow.reservations[id] else { return }
    addEnd(request, action(row.orderId), of: (shadow.lines[id] ?? []).map(\.productId), id, as: status)
  }

  private mutating func addEndOfOrder(_ request: ClientRequest, _ order: UUID) {
    let products = (asked[order] ?? []).map(\.productId)
    addEnd(request, .releaseOrder(order), of: products, shadow.reservation(ofOrder: order), as: "released")
  }

  /// - Parameter status: what the tables say of the reservation once it was done.
  private mutating func addEnd(
    _ request: ClientRequest, _ action: Model.Action, of products: [UUID], _ id: UUID?, as status: String
  ) {
    let told = Self.end(request)
    let shown = id.flatMap { moment(of: $0, status, after: request) }
    guard let end = told?.end ?? shown?.time else { return }
    let output = told?.output ?? .done
    // A release that is told that it was done may have found the reservation expired.
    let expired = output == .done && shown == nil ? id.flatMap { moment(of: $0, "expired", after: request) } : nil
    for product in products {
      append(request, product, action, output, at: end, shown: output == .done ? shown : nil, notBefore: expired)
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

  /// A moment at which the tables showed an effect, and its place among those of the same transaction.
  private struct Moment {
    var time: MonotonicInstant
    var place: Int
  }

  /// When a reservation became `status`, if `request` can have been what made it so.
  private func moment(of id: UUID, _ status: String, after request: ClientRequest) -> Moment? {
    guard let time = shadow.moment(reservation: id, became: status), time >= request.start else { return nil }
    return Moment(time: time, place: place(of: id))
  }

  private func place(of id: UUID) -> Int { min(1 + (shadow.places[id] ?? 0), Self.moments - 2) }

  private mutating func addReplenish(_ request: ClientRequest, _ product: UUID, _ quantity: Int, _ key: String) {
    let told = request.answered?.answer.item
    let time = shadow.replenished(product, key: key)
    if told == nil, time == nil { return }
    append(
      request, product, .replenish(units: quantity, key: key),
      told.map { .stock(StockIsLinearizable.stock($0)) }, shown: time.map { Moment(time: $0, place: 1) },
      if: time.flatMap { shadow.item(product, at: $0) })
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
    if output == nil || request.attempts > 1, !won.contains(.init(product: product, version: version)) {
      let time = shadow.moment(item: product, hadVersion: version + 1)
      let row = time.flatMap { shadow.item(product, at: $0) }
      let before = shadow.moment(item: product, hadVersion: version).flatMap { shadow.item(product, at: $0) }
      let isIt = row?.quantity == quantity && row?.reserved == before?.reserved
      append(
        request, product, action, nil, shown: time.map { Moment(time: $0, place: 1) }, if: isIt ? row : nil)
    }
    guard let output else { return }
    var time: MonotonicInstant?
    if case .stock(let stock) = output { time = shadow.moment(item: product, hadVersion: stock.version) }
    append(request, product, action, output, shown: time.map { Moment(time: $0, place: 1) })
  }

  /// What the expiry job did, which nobody is told.
  private mutating func addExpiries() {
    for (order, lines) in asked.sorted(by: { $0.key < $1.key }) {
      guard let id = shadow.reservation(ofOrder: order), let moment = shadow.moment(reservation: id, became: "expired")
      else { continue }
      for line in lines {
        var entry = Entry(
          client: "expiry job", .init(line.productId, .expire(order)), .done, from: Int(moment.nanoseconds),
          to: Int(moment.nanoseconds))
        entries.append(entry)
        entry.move(to: Self.fine(moment) + place(of: id))
        witnessed.append(entry)
      }
    }
  }

  /// What the tables say in the end is what a last client would read.
  private mutating func addRest(after requests: [ClientRequest]) {
    let told = requests.map { $0.answered?.end ?? $0.start }
    let end = Int((told + [shadow.lastCommit].compactMap { $0 }).max()?.nanoseconds ?? 0)
    for item in shadow.items.values.sorted(by: { $0.productId < $1.productId }) {
      var entry = Entry(
        client: "tables", .init(item.productId, .read), .stock(StockIsLinearizable.stock(item)), from: end + 1,
        to: end + 1)
      entries.append(entry)
      entry.move(to: (end + 1) * Self.moments)
      witnessed.append(entry)
    }
  }

  /// Adds an operation of a request.
  ///
  /// - Parameters:
  ///   - end: when `output` was told or came to light; at the request's answer unless given.
  ///   - shown: when the tables first showed its effect.
  ///   - earliest: when the tables first showed what it found.
  ///   - row: what the tables showed then, for an operation whose answer nobody knows: `nil` when it is not known either
  ///     whether the effect was this operation's.
  private mutating func append(
    _ request: ClientRequest, _ product: UUID, _ action: Model.Action, _ output: Model.Output?,
    at end: MonotonicInstant? = nil, shown: Moment? = nil, notBefore earliest: Moment? = nil, if row: ItemRow? = nil
  ) {
    var entry = Entry(
      client: request.client, operation: .init(product, action), invoked: Int(request.start.nanoseconds),
      outcome: .unknown)
    let end = output == nil ? nil : end ?? request.answered?.end
    if let output, let end { entry.outcome = .answered(output, at: Int(end.nanoseconds)) }
    entries.append(entry)

    let told = output ?? row.map { .stock(StockIsLinearizable.stock($0)) }
    entry.invoked = Self.fine(request.start)
    if let output, let end { entry.outcome = .answered(output, at: Self.fine(end) + Self.moments - 1) }
    if let shown, let told, shown.time >= request.start, shown.time <= end ?? shown.time {
      entry.outcome = .answered(told, at: .max)
      entry.move(to: Self.fine(shown.time) + shown.place)
    } else if let earliest, earliest.time <= end ?? earliest.time {
      entry.invoked = Self.fine(earliest.time) + earliest.place
    }
    witnessed.append(entry)
  }

  /// The witness without an order among what one transaction changed.
  var loose: [Entry] {
    witnessed.map { entry in
      guard let output = entry.output, entry.answered == entry.invoked else { return entry }
      var entry = entry
      entry.invoked -= entry.invoked % Self.moments
      entry.outcome = .answered(output, at: entry.invoked + Self.moments - 1)
      return entry
    }
  }

  private static func fine(_ instant: MonotonicInstant) -> Int { Int(instant.nanoseconds) * moments }
}

extension HistoryOperation {
  /// Lets the operation be invoked and answered at `moment`.
  fileprivate mutating func move(to moment: Int) {
    invoked = moment
    if let output { outcome = .answered(output, at: moment) }
  }
}

extension ClientRecord.Operation {
  /// Whether it asks for the stock and changes nothing.
  var isRead: Bool {
    switch self {
    case .readItem, .readItems: true
    default: false
    }
  }
}

extension ClientRequest {
  /// Whether the client was told that it was done.
  fileprivate var isDone: Bool { answered.map { $0.answer.status < 300 } ?? false }
}
