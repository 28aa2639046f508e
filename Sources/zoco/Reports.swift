import Foundation

/// Where reports go.
enum Reports {
  /// The folder that ZOCO_REPORTS names, which ./zoco sets to the repository's `reports`; without it, `reports` in the
  /// current folder.
  static var folder: URL {
    let named = ProcessInfo.processInfo.environment["ZOCO_REPORTS"] ?? ""
    return URL(fileURLWithPath: named.isEmpty ? "reports" : named, isDirectory: true)
  }

  /// The path of `file` as it is shown: from the current folder where it lies below that.
  static func shortPath(of file: URL) -> String {
    let here = FileManager.default.currentDirectoryPath + "/"
    return file.path.hasPrefix(here) ? String(file.path.dropFirst(here.count)) : file.path
  }
}
