internal import Crypto

/// A migration's file as it is embedded in the executable.
///
/// The package manager's rule `.embedInCode("Migrations")` makes one constant of each file, named for the file with `_`
/// for what no name may hold (and for its first digit):
///
/// ```swift
/// MigrationFile(name: "001_create_orders.sql", bytes: PackageResources._01_create_orders_sql)
/// ```
package struct MigrationFile: Sendable, Hashable {
  /// The file's name: `001_create_inventory_items.sql` or `001_create_inventory_items.down.sql`.
  package var name: String
  /// What the file holds.
  package var bytes: [UInt8]

  /// The file `name` that holds `bytes`.
  package init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}

/// One step of a schema, and the way back.
package struct Migration: Sendable, Hashable {
  /// Its place, from 1.
  package let version: Int
  /// The file's name without its endings: `001_create_inventory_items`.
  package let name: String
  /// What takes the schema forward.
  package let up: String
  /// What takes it back.
  package let down: String
  /// SHA-256 of the forward file, in hexadecimal.
  package let checksum: String
}

/// The migrations of a service, in order and complete.
package struct MigrationSet: Sendable, Hashable {
  /// The migrations, from version 1 on without a gap.
  package let migrations: [Migration]

  /// The migrations that `files` hold, in any order.
  ///
  /// - Throws: ``MigrationError`` `invalidFiles` that lists every file that is misnamed, doubled, missing, empty or no
  ///   UTF-8.
  package init(files: [MigrationFile]) throws(MigrationError) {
    var problems: [String] = []
    var ups: [ParsedFile] = []
    var downs: [ParsedFile] = []
    for file in files.sorted(by: { $0.name < $1.name }) {
      guard let parsed = ParsedFile(file) else {
        problems.append("\(file.name): expected NNN_name.sql or NNN_name.down.sql that holds SQL in UTF-8")
        continue
      }
      if parsed.isDown { downs.append(parsed) } else { ups.append(parsed) }
    }
    ups.sort { ($0.version, $0.name) < ($1.version, $1.name) }
    var migrations: [Migration] = []
    for (index, up) in ups.enumerated() {
      if index > 0, ups[index - 1].version == up.version {
        problems.append("\(up.name).sql: version \(up.version) belongs to \(ups[index - 1].name).sql already")
      } else if up.version != (index == 0 ? 1 : ups[index - 1].version + 1) {
        problems.append("\(up.name).sql: expected version \(index == 0 ? 1 : ups[index - 1].version + 1)")
      }
      let matching = downs.filter { $0.name == up.name }
      if matching.count != 1 {
        problems.append("\(up.name).down.sql: \(matching.isEmpty ? "missing" : "there are \(matching.count)")")
      }
      migrations.append(
        Migration(
          version: up.version, name: up.name, up: up.text, down: matching.first?.text ?? "", checksum: up.checksum))
    }
    for down in downs where !ups.contains(where: { $0.name == down.name }) {
      problems.append("\(down.name).down.sql: there is no \(down.name).sql")
    }
    guard problems.isEmpty else {
      throw MigrationError(.invalidFiles, problems.joined(separator: "\n"))
    }
    self.migrations = migrations
  }
}

/// A file whose name says what it is.
private struct ParsedFile {
  var version: Int
  var name: String
  var isDown: Bool
  var text: String
  var checksum: String

  init?(_ file: MigrationFile) {
    guard file.name.hasSuffix(".sql"), let text = String(validating: file.bytes, as: UTF8.self),
      text.contains(where: { !$0.isWhitespace })
    else { return nil }
    let stem = file.name.dropLast(4)
    isDown = stem.hasSuffix(".down")
    name = String(isDown ? stem.dropLast(5) : stem)
    let parts = name.split(separator: "_", maxSplits: 1)
    guard parts.count == 2, parts[0].utf8.count == 3, parts[0].utf8.allSatisfy({ (48...57).contains($0) }),
      let version = Int(parts[0]), version > 0, !name.contains(".")
    else { return nil }
    self.version = version
    self.text = text
    let digest = SHA256.hash(data: file.bytes).flatMap { [hexDigit($0 >> 4), hexDigit($0 & 15)] }
    checksum = String(decoding: digest, as: UTF8.self)
  }
}

/// Why a schema could not be migrated.
package struct MigrationError: Error, Sendable, CustomStringConvertible {
  /// What happened. Open for growth.
  package struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The code's name: `migration_failed`.
    package let description: String

    private init(_ description: String) { self.description = description }

    /// The files themselves are wrong.
    package static let invalidFiles = Code("invalid_files")
    /// The database was migrated by other files than these.
    package static let historyDiffers = Code("history_differs")
    /// A migration failed; it left nothing behind.
    package static let migrationFailed = Code("migration_failed")
  }

  /// What happened.
  package var code: Code
  /// Which migration, what is wrong with it, and what to do.
  package var message: String
  /// The error below this one.
  package var cause: (any Error)?

  /// An error of `code`.
  package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The code, the message and the cause, in one line.
  package var description: String {
    "\(code): \(message)" + (cause.map { " (\($0))" } ?? "")
  }
}
