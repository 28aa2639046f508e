/// What a search may still use.
struct SearchBudget {
  /// Calls of the model.
  var steps: Int
  /// Configurations that may be noted at the same time.
  var configurations: Int
  /// Whether the time is up; asked now and then.
  var isTimeUp: () -> Bool
}

/// How a search ended.
enum SearchEnd: Equatable {
  /// There is an order.
  case found
  /// There is none. The answer with this rank is the last one that could not be explained: every earlier one could.
  case refuted(rank: Int)
  /// Nobody knows.
  case undecided(UndecidedReason)
}
