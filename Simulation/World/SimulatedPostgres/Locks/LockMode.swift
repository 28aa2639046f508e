/// The eight modes of heavyweight locks (manual §13.3.1), weakest first.
enum LockMode: UInt8 {
  case accessShare = 1
  case rowShare, rowExclusive, shareUpdateExclusive, share, shareRowExclusive, exclusive, accessExclusive

  var bit: UInt16 { 1 << UInt16(rawValue) }

  /// The modes that conflict with this one, as bits (PostgreSQL's `LockConflicts`).
  var conflicts: UInt16 {
    switch self {
    case .accessShare: LockMode.bits(.accessExclusive)
    case .rowShare: LockMode.bits(.exclusive, .accessExclusive)
    case .rowExclusive: LockMode.bits(.share, .shareRowExclusive, .exclusive, .accessExclusive)
    case .shareUpdateExclusive:
      LockMode.bits(.shareUpdateExclusive, .share, .shareRowExclusive, .exclusive, .accessExclusive)
    case .share:
      LockMode.bits(.rowExclusive, .shareUpdateExclusive, .shareRowExclusive, .exclusive, .accessExclusive)
    case .shareRowExclusive:
      LockMode.bits(.rowExclusive, .shareUpdateExclusive, .share, .shareRowExclusive, .exclusive, .accessExclusive)
    case .exclusive:
      LockMode.bits(
        .rowShare, .rowExclusive, .shareUpdateExclusive, .share, .shareRowExclusive, .exclusive, .accessExclusive)
    case .accessExclusive: 0x1FE
    }
  }

  private static func bits(_ modes: LockMode...) -> UInt16 { modes.reduce(0) { $0 | $1.bit } }

  func conflicts(with other: LockMode) -> Bool { conflicts & other.bit != 0 }

  /// Whether the mode may be held without an entry in the lock table.
  var isWeak: Bool { rawValue < LockMode.shareUpdateExclusive.rawValue }

  var name: String {
    switch self {
    case .accessShare: "AccessShareLock"
    case .rowShare: "RowShareLock"
    case .rowExclusive: "RowExclusiveLock"
    case .shareUpdateExclusive: "ShareUpdateExclusiveLock"
    case .share: "ShareLock"
    case .shareRowExclusive: "ShareRowExclusiveLock"
    case .exclusive: "ExclusiveLock"
    case .accessExclusive: "AccessExclusiveLock"
    }
  }

  static func named(_ words: String) -> LockMode? {
    switch words {
    case "access share": .accessShare
    case "row share": .rowShare
    case "row exclusive": .rowExclusive
    case "share update exclusive": .shareUpdateExclusive
    case "share": .share
    case "share row exclusive": .shareRowExclusive
    case "exclusive": .exclusive
    case "access exclusive": .accessExclusive
    default: nil
    }
  }
}

/// What a heavyweight lock is on.
struct LockTag: Hashable {
  enum Kind: UInt8 {
    case relation, tuple, transaction, advisory
  }

  let kind: Kind
  let first: UInt64
  let second: UInt64
  /// Of a tuple: which version of the row it is.
  var version: UInt32 = 0

  static func relation(_ table: Table) -> LockTag { LockTag(kind: .relation, first: table.id, second: 0) }
  static func tuple(_ row: HeapRow, _ version: RowVersion) -> LockTag {
    LockTag(kind: .tuple, first: row.table.id, second: row.id, version: version.number)
  }
  static func transaction(_ transaction: Transaction) -> LockTag {
    LockTag(kind: .transaction, first: transaction.id, second: 0)
  }
  static func advisory(_ key: Int64) -> LockTag {
    LockTag(kind: .advisory, first: UInt64(bitPattern: key), second: 1)
  }
  static func advisory(_ first: Int32, _ second: Int32) -> LockTag {
    LockTag(
      kind: .advisory, first: UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second)), second: 2)
  }

  /// As PostgreSQL's `DescribeLockTag`.
  var description: String {
    switch kind {
    case .relation: return "relation \(first) of database 1"
    case .tuple: return "tuple (\(version),\(second)) of relation \(first) of database 1"
    case .transaction: return "transaction \(first)"
    case .advisory: return "advisory lock [1,\(first >> 32),\(first & 0xFFFF_FFFF),\(second)]"
    }
  }
}
