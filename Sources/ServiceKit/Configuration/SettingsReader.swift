package import Configuration

/// Reads variables one after the other and gathers what is wrong with them.
package struct SettingsReader {
  private let config: ConfigReader
  /// Reads a secret's file.
  private let readFile: (String) throws -> String
  /// What is wrong, in the order in which it was read.
  package private(set) var issues: [ConfigurationError.Issue] = []

  /// A reader of `config`.
  ///
  /// - Parameter readFile: reads the file that a `…_FILE` variable names.
  package init(config: ConfigReader, readFile: @escaping (String) throws -> String) {
    self.config = config
    self.readFile = readFile
  }

  /// The text of a variable, `nil` when it is not set or empty.
  private func text(_ variable: String, isSecret: Bool = false) -> String? {
    let key = ConfigKey(variable.lowercased().split(separator: "_").map(String.init))
    let value =
      config.string(forKey: key, isSecret: isSecret) ?? config.int(forKey: key, isSecret: isSecret).map(String.init)
    return value.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Records that `variable` is wrong.
  package mutating func fail(_ variable: String, _ message: String) {
    issues.append(ConfigurationError.Issue(variable: variable, message: message))
  }

  /// The text of a variable, `value` when it is not set.
  package mutating func string(_ variable: String, default value: String) -> String {
    text(variable) ?? value
  }

  /// A whole number within `range`, `value` when the variable is not set.
  package mutating func integer(
    _ variable: String, in range: ClosedRange<Int>, unit: String = "", default value: Int
  ) -> Int {
    guard let text = text(variable) else { return value }
    guard let number = Int(text), range.contains(number) else {
      let unit = unit.isEmpty ? "" : " \(unit)"
      fail(
        variable,
        "expected a whole number from \(range.lowerBound) to \(range.upperBound)\(unit), found \"\(excerpt(text))\"")
      return value
    }
    return number
  }

  /// The choice that a variable names, in any case, `value` when it is not set.
  package mutating func choice<Choice>(
    _ variable: String, of choices: [(name: String, value: Choice)], default value: Choice
  ) -> Choice {
    guard let text = text(variable) else { return value }
    guard let choice = choices.first(where: { $0.name == text.lowercased() }) else {
      let names = choices.map(\.name).joined(separator: ", ")
      fail(variable, "expected one of \(names), found \"\(excerpt(text))\"")
      return value
    }
    return choice.value
  }

  /// A secret from the variable itself or from the file that its sibling `…_FILE` names.
  package mutating func secret(
    _ variable: String, expectation: String, isValid: (String) -> Bool
  ) -> Secret {
    let known = issues.count
    if let secret = secretIfSet(variable, expectation: expectation, isValid: isValid) { return secret }
    if issues.count == known {
      fail(variable, "not set; expected \(expectation), here or in the file that \(variable)_FILE names")
    }
    return Secret("")
  }

  /// The same where it may be missing: then, and when it is wrong, `nil`.
  package mutating func secretIfSet(
    _ variable: String, expectation: String, isValid: (String) -> Bool
  ) -> Secret? {
    var source = variable
    var value = text(variable, isSecret: true)
    if let path = text(variable + "_FILE") {
      source = variable + "_FILE"
      guard value == nil else {
        fail(variable, "set either \(variable) or \(source), not both")
        return nil
      }
      do {
        value = try readFile(path)
      } catch {
        fail(
          source,
          "the file \"\(excerpt(path))\" cannot be read: \(error). Correct the path, or set \(variable) itself")
        return nil
      }
      while value?.last?.isNewline == true { value?.removeLast() }
    }
    guard let value else { return nil }
    guard isValid(value) else {
      fail(source, "expected \(expectation); what was found is not shown")
      return nil
    }
    return Secret(value)
  }

  /// A number of milliseconds from 1 to `limit`, `value` of them when the variable is not set.
  package mutating func milliseconds(_ variable: String, upTo limit: Int, default value: Int) -> Duration {
    .milliseconds(integer(variable, in: 1...limit, unit: "milliseconds", default: value))
  }
}
