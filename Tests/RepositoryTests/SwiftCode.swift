/// Swift source without its comments and without the text of its string literals, so that a rule judges code alone.
///
/// What is interpolated into a literal is code and stays. Lines keep their numbers.
struct SwiftCode {
  let lines: [Substring]

  init(_ source: String) {
    var blanker = Blanker(source)
    lines = blanker.run().split(separator: "\n", omittingEmptySubsequences: false)[...].map { $0 }
  }

  private struct Blanker {
    /// What the scanner is inside of.
    private enum Context: Equatable {
      /// Code inside an interpolation, with its open parentheses.
      case interpolation(depth: Int)
      case literal(quotes: Int, pounds: Int)
    }

    private let input: [UInt8]
    private var index = 0
    private var output: [UInt8] = []
    private var contexts: [Context] = []

    init(_ source: String) { input = Array(source.utf8) }

    mutating func run() -> String {
      while index < input.count {
        if case .literal(let quotes, let pounds) = contexts.last {
          scanLiteral(quotes: quotes, pounds: pounds)
        } else {
          scanCode()
        }
      }
      return String(decoding: output, as: UTF8.self)
    }

    private mutating func scanCode() {
      if starts(with: "//") {
        while index < input.count, input[index] != UInt8(ascii: "\n") { index += 1 }
      } else if starts(with: "/*") {
        skipBlockComment()
      } else if let opening = literalOpening() {
        contexts.append(.literal(quotes: opening.quotes, pounds: opening.pounds))
        index += opening.quotes + opening.pounds
        output.append(UInt8(ascii: "\""))
      } else {
        let character = input[index]
        index += 1
        if case .interpolation(let depth) = contexts.last {
          if character == UInt8(ascii: "(") { contexts[contexts.count - 1] = .interpolation(depth: depth + 1) }
          if character == UInt8(ascii: ")") {
            if depth == 1 {
              contexts.removeLast()
            } else {
              contexts[contexts.count - 1] = .interpolation(depth: depth - 1)
            }
          }
        }
        output.append(character)
      }
    }

    private mutating func scanLiteral(quotes: Int, pounds: Int) {
      let hashes = String(repeating: "#", count: pounds)
      if starts(with: "\\" + hashes + "(") {
        contexts.append(.interpolation(depth: 1))
        index += 2 + pounds
        output += Array(" (".utf8)
      } else if starts(with: "\\" + hashes) {
        index += 2 + pounds
      } else if starts(with: String(repeating: "\"", count: quotes) + hashes) {
        contexts.removeLast()
        index += quotes + pounds
        output.append(UInt8(ascii: "\""))
      } else {
        if input[index] == UInt8(ascii: "\n") { output.append(UInt8(ascii: "\n")) }
        index += 1
      }
    }

    private mutating func skipBlockComment() {
      while index < input.count, !starts(with: "*/") {
        if input[index] == UInt8(ascii: "\n") { output.append(UInt8(ascii: "\n")) }
        index += 1
      }
      index += 2
    }

    private func literalOpening() -> (quotes: Int, pounds: Int)? {
      var at = index
      while at < input.count, input[at] == UInt8(ascii: "#") { at += 1 }
      let pounds = at - index
      guard at < input.count, input[at] == UInt8(ascii: "\"") else { return nil }
      let isMultiline =
        at + 2 < input.count && input[at + 1] == UInt8(ascii: "\"") && input[at + 2] == UInt8(ascii: "\"")
      return (isMultiline ? 3 : 1, pounds)
    }

    private func starts(with text: String) -> Bool {
      var at = index
      for byte in text.utf8 {
        guard at < input.count, input[at] == byte else { return false }
        at += 1
      }
      return true
    }
  }
}
