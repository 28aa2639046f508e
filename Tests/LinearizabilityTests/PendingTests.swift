import Linearizability
import Testing

/// Operations that were never answered may have happened or not, at any moment since.
@Suite struct PendingTests {
  private let register = LinearizabilityChecker(RegisterModel())

  @Test func aPendingWriteMayHaveHappened() {
    #expect(register.isLinearizable([write(1, "A", 1, nil), read(1, "B", 2, 3)]) == true)
  }

  @Test func aPendingWriteMayNotHaveHappened() {
    #expect(register.isLinearizable([write(1, "A", 1, nil), read(.nothing, "B", 2, 3)]) == true)
  }

  @Test func aPendingWriteMayHappenLate() {
    let history = [write(1, "A", 1, nil), read(.nothing, "B", 2, 3), write(2, "C", 4, 5), read(1, "B", 6, 7)]
    #expect(register.isLinearizable(history) == true)
  }

  @Test func aPendingWriteHappensOnce() {
    let history = [
      write(1, "A", 1, nil), read(1, "B", 2, 3), write(2, "C", 4, 5), read(2, "B", 6, 7), read(1, "B", 8, 9),
    ]
    #expect(register.isLinearizable(history) == false)
  }

  @Test func nothingHappensBeforeItsInvocation() {
    #expect(register.isLinearizable([read(1, "B", 1, 2), write(1, "A", 3, nil)]) == false)
  }

  @Test func aPendingSwapHappensOnlyWhereItFits() {
    let swapped = [write(1, "A", 1, 2), swap(1, 2, "B", 3, nil), read(2, "A", 4, 5)]
    #expect(register.isLinearizable(swapped) == true)
    let never = [write(3, "A", 1, 2), swap(1, 2, "B", 3, nil), read(2, "A", 4, 5)]
    #expect(register.isLinearizable(never) == false)
  }

  @Test func pendingReadsSayNothing() {
    let reads = (0..<1_000).map { read(1, "reader \($0)", 1, nil) }
    let report = register.check(reads + [write(1, "A", 1, 2), read(1, "B", 3, 4)])
    #expect(report.steps < 10)
  }

  @Test func manyPendingWritesAreJudged() {
    // Each of forty lost writes may have happened anywhere: 2 to the power of 40 choices.
    var history = (0..<40).map { write(.integer($0), "lost \($0)", 1, nil) }
    for number in 0..<40 { history.append(read(.integer(number), "B", 10 * number + 2, 10 * number + 3)) }
    #expect(register.isLinearizable(history) == true)
    history.append(read(99, "B", 1_000, 1_001))
    let limited = LinearizabilityChecker(RegisterModel(), limits: SearchLimits(steps: 1_000_000))
    #expect(limited.isLinearizable(history) == false)
  }
}
