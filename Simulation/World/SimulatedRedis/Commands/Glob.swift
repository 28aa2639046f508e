/// Patterns of SCAN, as `stringmatchlen` (util.c) matches them: `*`, `?`, `[a-z]`, `[^a]` and `\`.
enum Glob {
  static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    var (pattern, text) = (pattern, text)
    while let mark = pattern.popFirst() {
      switch mark {
      case UInt8(ascii: "*"):
        while pattern.first == mark { pattern.removeFirst() }
        if pattern.isEmpty { return true }
        while true {
          if matches(pattern, text) { return true }
          if text.popFirst() == nil { return false }
        }
      case UInt8(ascii: "?"):
        if text.popFirst() == nil { return false }
      case UInt8(ascii: "["):
        guard let byte = text.popFirst(), classMatches(&pattern, byte) else { return false }
      default:
        var literal = mark
        if mark == UInt8(ascii: "\\"), let escaped = pattern.popFirst() { literal = escaped }
        guard text.popFirst() == literal else { return false }
      }
    }
    return text.isEmpty
  }

  /// Reads a class up to its bracket, or to the end where that is missing.
  private static func classMatches(_ pattern: inout ArraySlice<UInt8>, _ byte: UInt8) -> Bool {
    let isNegated = pattern.first == UInt8(ascii: "^")
    if isNegated { pattern.removeFirst() }
    var isFound = false
    while let mark = pattern.popFirst(), mark != UInt8(ascii: "]") {
      if mark == UInt8(ascii: "\\"), let escaped = pattern.popFirst() {
        if escaped == byte { isFound = true }
      } else if pattern.count >= 2, pattern.first == UInt8(ascii: "-") {
        pattern.removeFirst()
        let end = pattern.removeFirst()
        if (min(mark, end)...max(mark, end)).contains(byte) { isFound = true }
      } else if mark == byte {
        isFound = true
      }
    }
    return isFound != isNegated
  }
}
