import Seams

/// What to do with a batch that failed.
package enum GroupCommitRecovery: Sendable, Hashable {
  /// What failed has nothing to do with what is in the batch: try it again, and give up on all of it in the end.
  case again
  /// Try it again; when that does not help, try its halves apart, so that what cannot succeed fails alone.
  case againThenApart
  /// It would fail again: try its halves apart at once.
  case apart
  /// Give up on all of it.
  case fail

  /// The recovery that suits an SQL transaction which is safe to run again, an ambiguous commit included, since it
  /// reads back by key what it may have done.
  package static func forTransaction(_ error: any Error) -> GroupCommitRecovery {
    guard let error = error as? SQLError else { return .fail }
    switch error.code {
    case .deadlineExceeded: return .fail
    case .poolExhausted, .connectFailed, .connectionClosed: return .again
    default: break
    }
    guard let sqlState = error.sqlState else { return .againThenApart }
    switch sqlState {
    case .tooManyConnections, .cannotConnectNow, .adminShutdown: return .again
    // A rival inserted the same key between our look and our insert: the next look finds it.
    case .uniqueViolation: return .againThenApart
    default: return sqlState.isRetryable || error.commitMayHaveTakenEffect ? .againThenApart : .apart
    }
  }
}

/// Why an item was not committed, where the commit itself threw nothing.
package enum GroupCommitError: Error, Sendable, Hashable {
  /// The item's deadline passed, in the queue (nothing was done) or in a batch (it may take effect yet).
  case deadlineExceeded(wasStarted: Bool)
  /// As many items wait as may wait.
  case queueFull
  /// The committer has stopped: nothing was done.
  case stopped
}
