/// A value in a table of headers or arguments (AMQP 0-9-1, 4.2.5.1, with RabbitMQ's errata).
public enum BrokerValue: Sendable, Hashable {
  /// No value.
  case void
  case bool(Bool)
  /// Every integer; sent as 64 bits.
  case int(Int64)
  /// Every floating-point number; sent as 64 bits.
  case double(Double)
  /// A number of `value` × 10^-`scale`.
  case decimal(scale: UInt8, value: UInt32)
  case string(String)
  case bytes([UInt8])
  /// Seconds since 1970.
  case timestamp(Int64)
  case array([BrokerValue])
  case table(BrokerTable)

  /// The text, when it is one.
  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The integer, when it is one.
  public var int: Int64? {
    if case .int(let value) = self { value } else { nil }
  }
}

extension BrokerValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  /// The text that is written.
  public init(stringLiteral value: String) { self = .string(value) }
  /// The number that is written.
  public init(integerLiteral value: Int64) { self = .int(value) }
  /// The truth value that is written.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// Named values: a message's headers, a queue's arguments. Kept in the order of the names, so that two tables of the
/// same entries are equal and print alike.
public struct BrokerTable: Sendable, Hashable, CustomStringConvertible {
  /// One named value.
  public struct Entry: Sendable, Hashable {
    /// The name, at most 255 bytes.
    public var name: String
    /// The value.
    public var value: BrokerValue
  }

  /// The entries in the order of their names.
  public private(set) var entries: [Entry] = []

  /// An empty table.
  public init() {}

  /// A table of `entries`; of two with the same name the later one counts.
  public init(_ entries: some Sequence<(String, BrokerValue)>) {
    for (name, value) in entries { self[name] = value }
  }

  /// Whether there is no entry.
  public var isEmpty: Bool { entries.isEmpty }

  /// The value under `name`; `nil` removes it.
  public subscript(name: String) -> BrokerValue? {
    get {
      let index = position(of: name)
      return index < entries.count && entries[index].name == name ? entries[index].value : nil
    }
    set {
      let index = position(of: name)
      let isThere = index < entries.count && entries[index].name == name
      switch (newValue, isThere) {
      case (let value?, true): entries[index].value = value
      case (let value?, false): entries.insert(Entry(name: name, value: value), at: index)
      case (nil, true): entries.remove(at: index)
      case (nil, false): break
      }
    }
  }

  /// The members by name: `{x-max-length: 10}`.
  public var description: String {
    "{" + entries.map { "\($0.name): \($0.value)" }.joined(separator: ", ") + "}"
  }

  /// The first position whose name is not before `name`.
  private func position(of name: String) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].name < name { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension BrokerTable: ExpressibleByDictionaryLiteral {
  /// A table of the members that are written.
  public init(dictionaryLiteral elements: (String, BrokerValue)...) { self.init(elements) }
}

extension BrokerValue: CustomStringConvertible {
  /// The value, as text.
  public var description: String {
    switch self {
    case .void: "void"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    case .decimal(let scale, let value): "\(value)e-\(scale)"
    case .string(let value): "\"\(value)\""
    case .bytes(let value): "\(value.count) bytes"
    case .timestamp(let value): "@\(value)"
    case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    case .table(let table): table.description
    }
  }
}
