/// An expression as it was written, with the character where it begins.
final class ExpressionSyntax {
  let kind: Kind
  let position: Int

  init(_ kind: Kind, at position: Int) {
    self.kind = kind
    self.position = position
  }

  enum Kind {
    case null
    case boolean(Bool)
    case number(String)
    case string(String)
    case parameter(Int)
    /// A column, qualified or not.
    case column([String])
    /// `*` or `t.*`, in a select list or as count's argument.
    case star(String?)
    case negate(ExpressionSyntax)
    case binary(String, ExpressionSyntax, ExpressionSyntax)
    case and(ExpressionSyntax, ExpressionSyntax)
    case or(ExpressionSyntax, ExpressionSyntax)
    case not(ExpressionSyntax)
    case isNull(ExpressionSyntax, negated: Bool)
    /// IS [NOT] TRUE, FALSE or UNKNOWN (nil).
    case isBoolean(ExpressionSyntax, Bool?, negated: Bool)
    case isDistinct(ExpressionSyntax, ExpressionSyntax, negated: Bool)
    case between(ExpressionSyntax, ExpressionSyntax, ExpressionSyntax, negated: Bool)
    case inList(ExpressionSyntax, [ExpressionSyntax], negated: Bool)
    case inQuery(ExpressionSyntax, QuerySyntax, negated: Bool)
    /// `left op ANY|ALL (array)`.
    case quantified(ExpressionSyntax, String, all: Bool, ExpressionSyntax)
    case quantifiedQuery(ExpressionSyntax, String, all: Bool, QuerySyntax)
    case like(ExpressionSyntax, ExpressionSyntax, caseInsensitive: Bool, negated: Bool)
    case caseWhen(ExpressionSyntax?, [(ExpressionSyntax, ExpressionSyntax)], ExpressionSyntax?)
    case function(FunctionCallSyntax)
    case cast(ExpressionSyntax, TypeSyntax)
    case array([ExpressionSyntax])
    case arrayQuery(QuerySyntax)
    case scalarQuery(QuerySyntax)
    case exists(QuerySyntax)
    case row([ExpressionSyntax])
    case subscripted(ExpressionSyntax, ExpressionSyntax)
    case defaultValue
  }
}

struct FunctionCallSyntax {
  var name: String
  var arguments: [(name: String?, value: ExpressionSyntax)] = []
  var isStar = false
  var isDistinct = false
  var orderBy: [SortSyntax] = []
  var filter: ExpressionSyntax?
  var window: WindowSyntax?
}

struct WindowSyntax {
  var partitionBy: [ExpressionSyntax]
  var orderBy: [SortSyntax]
}

/// A type as it was written.
struct TypeSyntax {
  var name: String
  var modifiers: [Int]
  var isArray: Bool
  var position: Int
}

struct SortSyntax {
  var expression: ExpressionSyntax
  var descending: Bool
  var nullsFirst: Bool?
}
