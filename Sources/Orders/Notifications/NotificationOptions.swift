/// How an instance tells customers of their orders' ends.
package struct NotificationOptions: Sendable, Hashable {
  /// How many are told at the same time.
  package var concurrency = 32
  /// How often it looks for what is due when nothing wakes it; each pause is jittered by a tenth.
  package var pollInterval = Duration.seconds(1)
  /// How long it waits after it was woken: orders that end meanwhile are claimed together.
  package var gathering = Duration.milliseconds(20)
  /// How long one request may take.
  package var timeout = Duration.seconds(10)
  /// How long a claimed row belongs to its instance. Longer than a request and the record of what came of it.
  package var lease = Duration.seconds(60)
  /// How long a transaction may take.
  package var databaseTimeout = Duration.seconds(10)
  /// When it tries again.
  package var backOff = NotificationBackOff()

  package init() {}
}

/// When a notification that did not arrive is sent again: for ever, and ever more rarely.
package struct NotificationBackOff: Sendable, Hashable {
  /// The pause after a first attempt; it doubles with each one more.
  package var first = Duration.seconds(1)
  /// The longest pause.
  package var longest = Duration.seconds(300)
  /// How far a pause may lie from its nominal length, as a fraction of it.
  package var jitter = 0.2
  /// From which attempt on somebody should look: it is logged as an error.
  package var alarmingAttempts = 10

  package init() {}

  /// What one attempt came to.
  enum Outcome: Sendable, Hashable {
    /// The receiver has it.
    case delivered
    /// It may have it or not: no answer came, or one of a failure that passes.
    case failed(String, retryAfter: Duration? = nil)
    /// It does not take it as it is: until somebody changes something, there is no use in asking often.
    case refused(String)
  }

  /// What is done about it.
  enum Verdict: Sendable, Hashable {
    /// Nothing is left to do.
    case done
    /// It is sent again after a pause.
    case again(after: Duration, reason: String, isAlarming: Bool)
  }

  /// What the answer `status` means.
  ///
  /// A redirect is not followed: the body is signed for whoever holds the secret. 410 says that the receiver is gone for
  /// good (RFC 9110 §15.5.11), which is a mistake in a setting as often as it is true: nothing is thrown away for it.
  static func outcome(ofStatus status: Int, retryAfter: Duration?) -> Outcome {
    switch status {
    case 200..<300: .delivered
    // Too slow, too early, too many: answers of 4xx that pass by themselves.
    case 408, 425, 429, 500...: .failed("the receiver answered \(status)", retryAfter: retryAfter)
    default: .refused("the receiver answered \(status)")
    }
  }

  /// What is done after attempt number `attempts`, from 1.
  ///
  /// - Parameter spread: draws a pause around its nominal length.
  func verdict(on outcome: Outcome, attempts: Int, spread: (Duration) -> Duration) -> Verdict {
    switch outcome {
    case .delivered: return .done
    case .failed(let reason, let retryAfter):
      let pause = spread(min(longest, first * (1 << min(attempts - 1, 20))))
      return .again(
        after: max(pause, min(retryAfter ?? .zero, longest)), reason: reason,
        isAlarming: attempts >= alarmingAttempts)
    case .refused(let reason): return .again(after: spread(longest), reason: reason, isAlarming: true)
    }
  }
}
