/// A query: WITH, body, ORDER BY, LIMIT and locking.
final class QuerySyntax {
  var with: [CommonTableSyntax] = []
  var body: Body
  var orderBy: [SortSyntax] = []
  var limit: ExpressionSyntax?
  var offset: ExpressionSyntax?
  var locking: [LockingSyntax] = []
  let position: Int

  init(_ body: Body, at position: Int) {
    self.body = body
    self.position = position
  }

  indirect enum Body {
    case select(SelectSyntax)
    case values([[ExpressionSyntax]])
    case union(QuerySyntax, QuerySyntax, all: Bool)
  }
}

struct SelectSyntax {
  enum Distinct {
    case no
    case rows
    case on([ExpressionSyntax])
  }

  var distinct = Distinct.no
  var targets: [TargetSyntax] = []
  var from: [FromSyntax] = []
  var condition: ExpressionSyntax?
  var groupBy: [ExpressionSyntax] = []
  var having: ExpressionSyntax?
}

struct TargetSyntax {
  var expression: ExpressionSyntax
  var alias: String?
}

struct AliasSyntax {
  var name: String
  var columns: [String] = []
}

/// One item of FROM.
indirect enum FromSyntax {
  case table(String, alias: AliasSyntax?, position: Int)
  case query(QuerySyntax, alias: AliasSyntax, position: Int)
  case function(FunctionCallSyntax, ordinality: Bool, alias: AliasSyntax?, position: Int)
  case join(FromSyntax, FromSyntax, isLeft: Bool, JoinConditionSyntax)
}

enum JoinConditionSyntax {
  case cross
  case on(ExpressionSyntax)
  case using([String])
}

struct CommonTableSyntax {
  var name: String
  var columns: [String]
  var statement: StatementSyntax
  var position: Int
}

struct LockingSyntax {
  var strength: RowLockStrength
  var tables: [(name: String, position: Int)]
  var policy: LockWaitPolicy
  var position: Int
}

/// The four strengths of row locks, weakest first (manual §13.3.2).
enum RowLockStrength: UInt8, Comparable {
  case keyShare, share, noKeyUpdate, update

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  func conflicts(with other: RowLockStrength) -> Bool {
    switch self {
    case .keyShare: other == .update
    case .share: other >= .noKeyUpdate
    case .noKeyUpdate: other >= .share
    case .update: true
    }
  }

  var keywords: String {
    switch self {
    case .keyShare: "FOR KEY SHARE"
    case .share: "FOR SHARE"
    case .noKeyUpdate: "FOR NO KEY UPDATE"
    case .update: "FOR UPDATE"
    }
  }
}

enum LockWaitPolicy {
  case wait, noWait, skipLocked
}
