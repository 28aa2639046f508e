import Foundation
import Testing

@Suite struct DocumentTests {
  private static var documents: [Repository.File] {
    [Repository.file("README.md")] + Repository.files(in: ["docs", "reports", "LoadScenarios"], endingIn: [".md"])
  }

  @Test func everyDecisionIsListedAndNumberedInOrder() {
    let records = Repository.files(in: ["docs/adr"], endingIn: [".md"]).filter { $0.name != "README.md" }
    let index = Repository.file("docs/adr/README.md").text
    #expect(!records.isEmpty)
    for (number, record) in records.enumerated() {
      let digits = String(number + 1)
      let expected = String(repeating: "0", count: 4 - digits.count) + digits
      #expect(record.name.hasPrefix(expected + "-"), "\(record.path): expected number \(expected)")
      #expect(record.text.hasPrefix("# \(expected). "), "\(record.path): its title has another number")
      #expect(index.contains("](\(record.name))"), "\(record.path) is not linked in docs/adr/README.md")
    }
    #expect(Repository.file("docs/architecture.md").text.contains("](adr/README.md)"))
  }

  @Test func linksBetweenDocumentsLeadSomewhere() {
    for document in Self.documents {
      let folder = document.path.split(separator: "/").dropLast().joined(separator: "/")
      for match in document.text.matches(of: /\]\(([^)#]+)(#[^)]*)?\)/) {
        let target = String(match.output.1)
        if target.contains("://") || target.hasPrefix("mailto:") { continue }
        let path = (folder.isEmpty ? "" : folder + "/") + target
        #expect(Repository.has(path), "\(document.path) links to \(target), which is not there")
      }
    }
  }

  /// Every command that a document shows is one that `./zoco` has.
  @Test func commandsInTheDocumentsExist() throws {
    let shell = Repository.file("zoco").text
    let harness = Self.commandNames(in: "Sources/zoco").union(["test", "build", "zocod", "COMMAND"])
    let services = Self.commandNames(in: "Sources/zocod")
    for name in ["test", "build", "zocod"] {
      #expect(shell.contains("  \(name))"), "the script ./zoco does not handle \(name)")
    }
    var checked = 0
    for document in Self.documents + [Repository.file("zoco")] {
      for match in document.text.matches(of: /\.\/zoco((?: +[a-zA-Z][-\w]*)+)/) {
        let words = match.output.1.split(separator: " ").map(String.init)
        guard let command = words.first else { continue }
        #expect(harness.contains(command), "\(document.path): ./zoco \(command) does not exist")
        checked += 1
        guard command == "zocod" || command == "bench", words.count > 1 else { continue }
        let known = command == "zocod" ? services : harness
        #expect(known.contains(words[1]), "\(document.path): ./zoco \(command) \(words[1]) does not exist")
        if words[1] == "migrate", words.count > 2 {
          #expect(services.contains(words[2]), "\(document.path): zocod migrate \(words[2]) does not exist")
        }
      }
    }
    #expect(checked > 5, "the documents show almost no command: is the pattern right?")
  }

  private static func commandNames(in folder: String) -> Set<String> {
    let files = Repository.files(in: [folder], endingIn: [".swift"])
    return Set(files.flatMap { $0.text.matches(of: /commandName: "([^"]+)"/).map { String($0.output.1) } })
  }
}
