public import Scenarios

/// How `zoco sim` ends.
public enum Exit: Int32, Sendable {
  case passed = 0
  /// The command line makes no sense (sysexits.h, EX_USAGE).
  case wrongUse = 64
  /// A run trapped, span or grew without end; or the harness failed.
  case crashed = 127
  /// A run did not come to rest.
  case notConverged = 128
  /// A run broke an invariant, or a planted bug survived.
  case invariantBroken = 129
  /// Ctrl-C, with nothing found until then (128 + SIGINT).
  case interrupted = 130

  /// How a command whose worst run ended with `verdict` ends.
  public init(_ verdict: RunReport.Verdict) {
    switch verdict {
    case .passed: self = .passed
    case .invariantBroken: self = .invariantBroken
    case .notConverged: self = .notConverged
    case .crashed: self = .crashed
    }
  }
}
