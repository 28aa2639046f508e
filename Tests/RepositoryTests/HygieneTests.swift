import Foundation
import Testing

@Suite struct HygieneTests {
  private static let folders = [
    ".ci", "Sources", "Simulation", "Tests", "Benchmarks", "LoadScenarios", "docs", "deploy",
  ]

  private static let everything: [Repository.File] =
    Repository.files(in: folders, endingIn: [""])
    + ["README.md", "Package.swift", "zoco", "docker-compose.yml", ".env.example", ".gitignore"].map(Repository.file)

  @Test func filesOverFiveHundredLinesSayWhy() {
    for file in Self.everything where file.lines.count > 501 {
      let head = file.lines.prefix(5).joined(separator: "\n")
      #expect(head.contains("Over 500 lines"), "\(file.path) has \(file.lines.count) lines and no reason at its top")
    }
  }

  @Test func noPlaceholderIsLeft() {
    // Written in two parts, so that this file does not find itself.
    let marks = ["TO" + "DO", "FIX" + "ME"]
    for file in Self.everything where file.name.hasSuffix(".swift") || file.name.hasSuffix(".sql") {
      for (number, line) in file.lines.enumerated() {
        for mark in marks where line.contains(mark) {
          Issue.record("\(file.path):\(number + 1): \(mark)")
        }
      }
    }
  }

  /// A migration is embedded and named in code: one that is not would be applied nowhere, and nothing would say so.
  @Test(arguments: ["Inventory", "Orders"])
  func everyMigrationOfTheFolderIsLoaded(_ service: String) {
    let files = Repository.files(in: ["Sources/\(service)/Migrations"], endingIn: [".sql"])
    let list = Repository.file("Sources/\(service)/\(service)Migrations.swift").text
    #expect(!files.isEmpty)
    for file in files { #expect(list.contains("\"\(file.name)\""), "\(file.path) is not loaded") }
  }

  @Test func noSecretIsCommitted() {
    let found = Self.everything.flatMap { Self.secrets(in: $0) }
    #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    #expect(Repository.file(".gitignore").lines.contains("secrets/"))
    #expect(Repository.file(".gitignore").lines.contains(".env"))
  }

  @Test(arguments: [
    "-----BEGIN " + "PRIVATE KEY-----", "-----BEGIN RSA " + "PRIVATE KEY-----",
    "url = \"postgresql://zoco:" + "hunter2hunter2@db.example.com/inventory\"",
    "AKIA" + "IOSFODNN7EXAMPLE", "token: eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJhIn0.c2lnbmF0dXJl",
  ])
  func aPlantedSecretIsFound(_ line: String) {
    #expect(Self.secrets(in: Repository.File(path: "planted", text: line)).count == 1)
  }

  @Test(arguments: [
    "postgresql://zoco:PASSWORD@localhost:5432/inventory", "postgresql://zoco@localhost/inventory",
    "postgresql://zoco:$password@127.0.0.1:$port/postgres", #"postgresql://zoco:\(password)@localhost/x"#,
  ])
  func aPlaceOfASecretIsNone(_ line: String) {
    #expect(Self.secrets(in: Repository.File(path: "planted", text: line)).isEmpty)
  }

  /// Where a file holds what looks like a secret. A password of fewer than 12 characters in a URL is a test's own.
  private static func secrets(in file: Repository.File) -> [String] {
    let patterns: [Regex<AnyRegexOutput>] = [
      Regex(/-----BEGIN [A-Z ]*PRIVATE KEY-----/), Regex(/:\/\/[^:\/\s"]+:[A-Za-z0-9]{12,}@/),
      Regex(/\bAKIA[0-9A-Z]{16}\b/), Regex(/\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}/),
    ]
    return file.lines.enumerated().flatMap { number, line in
      patterns.filter { line.contains($0) }.map { _ in "\(file.path):\(number + 1): looks like a secret" }
    }
  }
}
