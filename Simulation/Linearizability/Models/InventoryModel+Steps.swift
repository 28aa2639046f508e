extension InventoryModel.State {
  private typealias Hold = InventoryModel.Hold
  private typealias Stock = InventoryModel.Stock

  /// Carries out an action as the service does when it is alone.
  ///
  /// - Returns: the answer.
  mutating func perform(_ action: InventoryModel.Action) -> InventoryModel.Output {
    switch action {
    case .reserve(let reservation, let units): reserve(reservation, units)
    case .confirm(let reservation): confirm(reservation)
    case .release(let reservation): release(reservation, storesReleased: false)
    case .releaseOrder(let reservation): release(reservation, storesReleased: true)
    case .expire(let reservation): expire(reservation)
    case .replenish(let units, let key): replenish(units, key)
    case .put(let quantity, let version): put(quantity, version)
    case .read: stock.map { .stock($0) } ?? .notFound
    }
  }

  /// Whether an answer that differs from the model's is right all the same, because of what the model does not know. It
  /// then changes nothing.
  func tolerates(_ output: InventoryModel.Output, to action: InventoryModel.Action) -> Bool {
    switch (action, output) {
    // Due, but the expiry job has not come yet.
    case (.confirm(let reservation), .expired), (.reserve(let reservation, _), .expired):
      holds[reservation]?.status == .pending
    // The lines of other products may be what differs.
    case (.reserve(let reservation, _), .otherLines):
      holds[reservation].map { $0.status != .released } ?? false
    default: false
    }
  }

  private mutating func reserve(_ reservation: Reservation, _ units: Int) -> InventoryModel.Output {
    if let hold = holds[reservation] {
      switch hold.status {
      case .released: return .notPending
      case _ where hold.units != units: return .otherLines
      case .expired: return .expired
      case .pending, .confirmed: return .done
      }
    }
    guard let stock else { return .notFound }
    guard stock.available >= units else { return .insufficient(available: stock.available) }
    change(reservation, Hold(units: units, status: .pending), reserved: units)
    return .done
  }

  private mutating func confirm(_ reservation: Reservation) -> InventoryModel.Output {
    guard let hold = holds[reservation] else { return .notFound }
    switch hold.status {
    case .pending:
      change(
        reservation, Hold(units: hold.units, status: .confirmed), quantity: -hold.units, reserved: -hold.units)
      return .done
    case .confirmed: return .done
    case .released: return .notPending
    case .expired: return .expired
    }
  }

  private mutating func release(_ reservation: Reservation, storesReleased: Bool) -> InventoryModel.Output {
    guard let hold = holds[reservation] else {
      guard storesReleased else { return .notFound }
      holds[reservation] = Hold(units: 0, status: .released)
      return .done
    }
    switch hold.status {
    case .pending:
      change(reservation, Hold(units: hold.units, status: .released), reserved: -hold.units)
      return .done
    case .released, .expired: return .done
    case .confirmed: return .notPending
    }
  }

  private mutating func expire(_ reservation: Reservation) -> InventoryModel.Output {
    guard let hold = holds[reservation], hold.status == .pending else { return .notPending }
    change(reservation, Hold(units: hold.units, status: .expired), reserved: -hold.units)
    return .done
  }

  private mutating func replenish(_ units: Int, _ key: String) -> InventoryModel.Output {
    guard let stock else { return .notFound }
    // A repeated request gets the first one's answer.
    if let answer = replenished[key] { return .stock(answer) }
    return set(
      Stock(quantity: stock.quantity + units, reserved: stock.reserved, version: stock.version + 1), key: key)
  }

  private mutating func put(_ quantity: Int, _ version: Int) -> InventoryModel.Output {
    guard let stock else { return version == 0 ? set(Stock(quantity: quantity)) : .notFound }
    guard version == stock.version else { return .conflict(version: stock.version) }
    guard stock.reserved <= quantity else { return .belowReserved }
    return set(Stock(quantity: quantity, reserved: stock.reserved, version: version + 1))
  }

  private mutating func set(_ after: InventoryModel.Stock, key: String? = nil) -> InventoryModel.Output {
    stock = after
    if let key { replenished[key] = after }
    return .stock(after)
  }

  private mutating func change(
    _ reservation: Reservation, _ hold: InventoryModel.Hold, quantity: Int = 0, reserved: Int
  ) {
    stock?.quantity += quantity
    stock?.reserved += reserved
    stock?.version += 1
    holds[reservation] = hold
  }
}
