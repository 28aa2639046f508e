/// A change of the SQL that crosses the seam: in every statement that contains `marker`, `fragment` becomes `replacement`.
///
/// `$#` in a fragment stands for one parameter, such as `$3`; the same parameter takes the place of `$#` in the
/// replacement.
public struct StatementRewrite: Sendable, Hashable {
  /// What tells the statement from all others.
  public let marker: String
  /// What tells the statement before it in its batch, where that matters.
  public let predecessor: String?
  public let fragment: String
  public let replacement: String

  /// In statements with `marker` (that follow one with `predecessor`), `fragment` becomes `replacement`.
  public init(
    in marker: String, after predecessor: String? = nil, replace fragment: String, with replacement: String
  ) {
    self.marker = marker
    self.predecessor = predecessor
    self.fragment = fragment
    self.replacement = replacement
  }

  /// `text` rewritten; `nil` when it is no statement of this rewrite.
  ///
  /// White space is compared as single spaces, since statements are laid out in lines.
  public func apply(to text: String, after previous: String? = nil) -> String? {
    let flat = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard flat.contains(marker) else { return nil }
    if let predecessor, previous?.contains(predecessor) != true { return nil }
    let parts = fragment.split(separator: "$#", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      guard let found = flat.firstRange(of: fragment) else { return nil }
      return flat.replacingCharacters(in: found, with: replacement)
    }
    var start = flat.startIndex
    while let head = flat[start...].firstRange(of: parts[0] + "$") {
      let digits = flat[head.upperBound...].prefix(while: \.isNumber)
      if !digits.isEmpty, flat[digits.endIndex...].hasPrefix(parts[1]) {
        let end = flat.index(digits.endIndex, offsetBy: parts[1].count)
        let parameter = "$" + digits
        let pieces = replacement.split(separator: "$#", omittingEmptySubsequences: false)
        return String(flat[..<head.lowerBound]) + pieces.joined(separator: parameter) + flat[end...]
      }
      start = head.upperBound
    }
    return nil
  }
}

extension String {
  func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + self[range.upperBound...]
  }
}
