/// What a charge with a token comes to (CONTRACT, "Payments sandbox"). Any other token is declined.
enum SandboxToken: String, Sendable, CaseIterable {
  /// Captures.
  case ok = "tok_ok"
  /// Declines.
  case declined = "tok_declined"
  /// Captures after 3 s.
  case slow = "tok_slow"
  /// Answers 503 twice for each key, then captures.
  case flaky = "tok_flaky"
  /// Captures; the first time for each key the connection is dropped instead of an answer.
  case lost = "tok_lost"

  /// How long `tok_slow` takes.
  static let slowness = Duration.seconds(3)
  /// How often `tok_flaky` fails.
  static let flakyFailures = 2
}
