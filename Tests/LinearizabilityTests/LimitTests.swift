import Linearizability
import Testing

/// A checker that does not know says so.
@Suite struct LimitTests {
  /// Ten overlapping writes, then reads of two of them: every order has to be tried.
  private let hard: [RegisterEntry] =
    (0..<10).map { write(.integer($0), "\($0)", 1, 100) } + [
      read(3, "A", 101, 102), read(4, "A", 103, 104),
    ]

  private func reason(_ limits: SearchLimits, remembers: Bool = false) -> UndecidedReason? {
    let checker = LinearizabilityChecker(RegisterModel(), limits: limits, remembersConfigurations: remembers)
    if case .unknown(let reason, partitions: 1) = checker.check(hard).verdict { return reason }
    return nil
  }

  @Test func timeIsLimited() {
    let started = ContinuousClock.now
    #expect(reason(SearchLimits(time: (.milliseconds(20), ContinuousClock()))) == .time)
    #expect(started.duration(to: .now) < .seconds(5))
  }

  @Test func stepsAreLimited() {
    #expect(reason(SearchLimits(steps: 1_000)) == .steps)
    #expect(reason(SearchLimits(steps: 300_000)) == .steps)
  }

  @Test func memoryIsLimited() {
    #expect(reason(SearchLimits(configurations: 1_000), remembers: true) == .memory)
  }

  @Test func rememberedConfigurationsDecideIt() {
    #expect(LinearizabilityChecker(RegisterModel()).isLinearizable(hard) == false)
  }

  @Test func aFailureIsFoundBesideAHardPartition() {
    typealias Entry = HistoryOperation<KeyValueModel.Operation, RegisterModel.Output>
    let model = KeyValueModel()
    var history = hard.map { entry in
      Entry(
        client: entry.client, operation: .init("hard", .register(entry.operation)), invoked: entry.invoked,
        outcome: entry.answered.map { .answered(entry.output ?? .done, at: $0) } ?? .unknown)
    }
    let limits = SearchLimits(time: (.seconds(20), ContinuousClock()))
    let checker = LinearizabilityChecker(model, limits: limits, remembersConfigurations: false)
    history.append(Entry(client: "B", .init("easy", .register(.read)), .value(1), from: 1, to: 2))
    #expect(checker.failure(of: history)?.partition == "easy")
  }

  @Test func anEmptyHistoryIsLinearizable() {
    #expect(LinearizabilityChecker(RegisterModel()).isLinearizable([]) == true)
  }
}
