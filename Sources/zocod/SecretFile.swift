import Foundation

/// The files that `…_FILE` variables name.
enum SecretFile {
  /// Why a file cannot be read, in words.
  struct Unreadable: Error, CustomStringConvertible {
    let description: String
  }

  /// The text of the file at `path`.
  ///
  /// - Throws: ``Unreadable``.
  static func read(_ path: String) throws -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch let error as CocoaError {
      throw Unreadable(description: reason(error))
    }
  }

  private static func reason(_ error: CocoaError) -> String {
    switch error.code {
    case .fileReadNoSuchFile, .fileNoSuchFile: "there is no such file"
    case .fileReadNoPermission: "this user may not read it"
    case .fileReadInapplicableStringEncoding, .fileReadCorruptFile: "it is not text in UTF-8"
    default: error.localizedDescription
    }
  }
}
