import Foundation

/// The files of this repository, as the tests see them.
enum Repository {
  /// The folder that holds Package.swift.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A text file.
  struct File: Sendable {
    /// Its path from the root: `Sources/Seams/FailureDisposition.swift`.
    let path: String
    let text: String
    /// Its code alone, where it is Swift.
    let code: SwiftCode

    init(path: String, text: String) {
      self.path = path
      self.text = text
      code = path.hasSuffix(".swift") ? SwiftCode(text) : SwiftCode("")
    }

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var name: String { String(path.split(separator: "/").last ?? "") }
  }

  /// The file at `path`, an empty one when there is none.
  static func file(_ path: String) -> File {
    let text = try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    return File(path: path, text: text ?? "")
  }

  /// Whether `path` exists.
  static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  /// The files below `folders` whose names end in one of `suffixes`, sorted by path. Hidden files and build products
  /// are left out.
  static func files(in folders: [String], endingIn suffixes: [String]) -> [File] {
    folders.flatMap { folder -> [File] in
      let base = root.appendingPathComponent(folder)
      let names = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
      return names.sorted().compactMap { name in
        let isWanted = suffixes.contains { name.hasSuffix($0) }
        let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
        return isWanted && !isHidden ? file("\(folder)/\(name)") : nil
      }
    }
  }

  /// The Swift files of the products and of the harness.
  static let sources = files(in: ["Sources", "Simulation"], endingIn: [".swift"])
}
