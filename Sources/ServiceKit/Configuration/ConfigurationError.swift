/// Every variable that keeps a service from starting.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong with one variable.
  package struct Issue: Sendable, Hashable {
    /// The variable's name: `INVENTORY_PORT`.
    package var variable: String
    /// What was expected and what was found; the value itself only where it is no secret.
    package var message: String

    /// `variable` is wrong, as `message` says.
    package init(variable: String, message: String) {
      self.variable = variable
      self.message = message
    }
  }

  /// The variables that are wrong, in the order in which they are read.
  package var issues: [Issue]

  /// An error of `issues`.
  package init(issues: [Issue]) { self.issues = issues }

  package var description: String {
    "the configuration is wrong:\n"
      + issues.map { "  \($0.variable): \($0.message)" }.joined(separator: "\n")
  }
}
