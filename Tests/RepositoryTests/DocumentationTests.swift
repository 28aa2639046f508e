import Testing

/// Declarations that other targets use say what they are.
@Suite struct DocumentationTests {
  /// The folders in which every `public` and `package` declaration has a comment.
  private static let folders = [
    "Simulation/Checkers", "Simulation/Kernel", "Sources/Seams", "Sources/ServiceKit/Calls",
    "Sources/ServiceKit/Events", "Sources/ServiceKit/GroupCommit", "Sources/ServiceKit/SQL",
  ]

  @Test(arguments: folders)
  func everyDeclarationForOthersHasAComment(_ folder: String) {
    let files = Repository.sources.filter { $0.path.hasPrefix(folder + "/") }
    #expect(!files.isEmpty)
    let missing = files.flatMap(Self.undocumented)
    #expect(missing.isEmpty, "\(missing.joined(separator: "\n"))")
  }

  @Test(arguments: [
    ("public let limit = 1", 1), ("/// The limit.\npublic let limit = 1", 0), ("@inlinable public func f() {}", 1),
    ("/// Does it.\n@inlinable\npublic func f() {}", 0), ("@exclusivity(unchecked) public private(set) var n = 1", 1),
    ("public import Seams\npackage import Logging", 0), ("let limit = 1\n// a remark\npackage init() {}", 1),
    ("public extension Int {}", 0),
  ])
  func aDeclarationWithoutACommentIsFound(_ text: String, _ count: Int) {
    #expect(Self.undocumented(Repository.File(path: "planted.swift", text: text)).count == count)
  }

  /// The places of declarations for others that no comment stands above.
  private static func undocumented(_ file: Repository.File) -> [String] {
    let declaration = /^\s*(@\w+(\([^)]*\))?\s+)*(public|package)\s+(?!import\b|extension\b)/
    let attribute = /^\s*@\w+(\([^)]*\))?\s*$/
    return file.lines.indices.compactMap { index in
      guard file.lines[index].prefixMatch(of: declaration) != nil else { return nil }
      let above = file.lines[..<index].last { $0.wholeMatch(of: attribute) == nil } ?? ""
      let isDocumented = above.drop { $0 == " " }.hasPrefix("///")
      return isDocumented ? nil : "\(file.path):\(index + 1): \(file.lines[index])"
    }
  }
}
