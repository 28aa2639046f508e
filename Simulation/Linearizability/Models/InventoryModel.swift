/// Zoco's stock, product by product, as CONTRACT ("Inventory") has it.
///
/// A reservation is named by whatever its caller knows it by from the first request on: its order. A request with several
/// lines is an operation on each of their products, with the same moments, except where it was refused for the sake of
/// another product: then it says nothing about this one. A release by order that comes before its reserve is an
/// operation on each product that the order asks for. Reads that the cache answered are bounded by its TTL and are no
/// part of a linearizable history. Where a reservation falls due, its `expire` belongs into the history with an unknown
/// outcome.
public struct InventoryModel<Product: Hashable & Sendable, Reservation: Hashable & Sendable>: SequentialModel {
  /// The stock of a product.
  public struct Stock: Sendable, Hashable {
    public var quantity: Int
    public var reserved: Int
    /// Rises by one with every change.
    public var version: Int

    public init(quantity: Int, reserved: Int = 0, version: Int = 1) {
      self.quantity = quantity
      self.reserved = reserved
      self.version = version
    }

    /// Units that can be reserved.
    public var available: Int { quantity - reserved }
  }

  /// What a client asks for.
  public struct Operation: Sendable, Hashable {
    public var product: Product
    public var action: Action

    public init(_ product: Product, _ action: Action) {
      self.product = product
      self.action = action
    }
  }

  /// What is asked of one product.
  public enum Action: Sendable, Hashable {
    case reserve(Reservation, units: Int)
    case confirm(Reservation)
    case release(Reservation)
    /// Stores a released reservation where there is none.
    case releaseOrder(Reservation)
    /// What the expiry job does.
    case expire(Reservation)
    /// A key adds its units once.
    case replenish(units: Int, key: String)
    /// Version 0 creates.
    case put(quantity: Int, version: Int)
    case read
  }

  /// What a client is answered.
  public enum Output: Sendable, Hashable {
    /// The reservation was made, confirmed, released or expired, now or earlier.
    case done
    /// The stock, after a change or read.
    case stock(Stock)
    /// There is too little: 409 `insufficient_stock`.
    case insufficient(available: Int)
    /// The product, or the reservation, does not exist: 404.
    case notFound
    /// The reservation has ended otherwise: 409 `reservation_not_pending`.
    case notPending
    /// The reservation has expired, or will when the expiry job comes: 410.
    case expired
    /// The order has a reservation with other lines: 422.
    case otherLines
    /// The item has another version: 409 `version_conflict`.
    case conflict(version: Int)
    /// More units are reserved than were to be left: 409 `quantity_below_reserved`.
    case belowReserved
  }

  enum Status: Sendable, Hashable { case pending, confirmed, released, expired }

  struct Hold: Sendable, Hashable {
    var units: Int
    var status: Status
  }

  /// What is remembered of a product.
  public struct State: Sendable, Hashable {
    /// The stock; `nil` for a product that does not exist.
    public internal(set) var stock: Stock?
    var holds = DigestMap<Reservation, Hold>()
    var replenished = DigestMap<String, Stock>()
  }

  private let initial: [Product: Stock]

  /// An inventory that holds `initial` at first; other products do not exist.
  public init(initial: [Product: Stock] = [:]) {
    self.initial = initial
  }

  public func partition(of operation: Operation) -> Product { operation.product }

  public func initialState(of partition: Product) -> State { State(stock: initial[partition]) }

  public func step(_ state: State, _ operation: Operation, _ output: Output?) -> State? {
    var next = state
    let answer = next.perform(operation.action)
    guard let output, output != answer else { return next }
    return state.tolerates(output, to: operation.action) ? state : nil
  }

  /// Carries out an operation on a state that is at hand, as a service does that is alone: makes histories for tests.
  ///
  /// - Returns: the answer.
  public func perform(_ operation: Operation, on state: inout State) -> Output {
    state.perform(operation.action)
  }

  public func changesState(_ operation: Operation) -> Bool { operation.action != .read }

  public func describe(partition: Product) -> String { "product \(partition)" }

  public func describe(_ operation: Operation, _ output: Output?) -> String {
    let answer =
      switch output {
      case nil: "?"
      case .stock(let stock): Self.describe(stock)
      case .some(let output): "\(output)"
      }
    return "\(operation.action) → \(answer)"
  }

  public func describe(state: State) -> String { state.stock.map(Self.describe) ?? "no such product" }

  private static func describe(_ stock: Stock) -> String {
    "quantity \(stock.quantity), reserved \(stock.reserved), version \(stock.version)"
  }
}
