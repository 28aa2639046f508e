package import Seams

/// What a commit is asked to commit.
package struct GroupCommitBatch<Item: Sendable>: Sendable {
  /// At least one item; those that were put back come first.
  package var items: [Item]
  /// How many of the items an earlier batch has put back.
  package var putBack: Int
  /// The latest of the items' deadlines.
  package var deadline: MonotonicInstant
}

/// What a commit says of one item.
package enum GroupCommitAnswer<Outcome: Sendable>: Sendable {
  /// It is decided.
  case outcome(Outcome)
  /// It cannot be decided now, and nothing was done for it: it goes back to the head of the queue.
  case putBack
}
