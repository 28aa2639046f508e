import Linearizability
import Testing

/// Rule 9: stock operations are linearizable per product.
@Suite struct InventoryModelTests {
  private typealias Model = InventoryModel<String, String>
  private typealias Entry = HistoryOperation<Model.Operation, Model.Output>

  private let model = Model(initial: ["lamp": .init(quantity: 1)])

  private func lamp(_ action: Model.Action, _ output: Model.Output, _ client: String, _ from: Int, _ to: Int) -> Entry {
    Entry(client: client, Model.Operation("lamp", action), output, from: from, to: to)
  }

  private func isLinearizable(_ history: [Entry]) -> Bool? {
    LinearizabilityChecker(model).isLinearizable(history)
  }

  @Test func ofTwoOrdersForTheLastUnitOneGetsIt() {
    let first = lamp(.reserve("a", units: 1), .done, "A", 1, 4)
    #expect(
      isLinearizable([first, lamp(.reserve("b", units: 1), .insufficient(available: 0), "B", 2, 3)]) == true)
  }

  @Test func aUnitReservedTwiceIsFound() throws {
    let history = [
      lamp(.read, .stock(.init(quantity: 1)), "C", 1, 2), lamp(.reserve("a", units: 1), .done, "A", 3, 6),
      lamp(.reserve("b", units: 1), .done, "B", 4, 5), lamp(.confirm("a"), .done, "A", 7, 8),
    ]
    let failure = try #require(LinearizabilityChecker(model).failure(of: history))
    #expect(failure.operations.map(\.invoked) == [3, 4])
    #expect(failure.timeline.contains("product lamp: 2 of 4 operations fit in no order"), "\(failure.timeline)")
  }

  @Test func aLongPastIsToldAsAState() throws {
    var history = (0..<40).flatMap { number -> [Entry] in
      let order = "order \(number)"
      return [
        lamp(.reserve(order, units: 1), .done, "A", 10 * number, 10 * number + 1),
        lamp(.release(order), .done, "A", 10 * number + 2, 10 * number + 3),
      ]
    }
    history.append(lamp(.reserve("a", units: 1), .done, "A", 500, 503))
    history.append(lamp(.reserve("b", units: 1), .done, "B", 501, 502))
    let failure = try #require(LinearizabilityChecker(model).failure(of: history))
    #expect(failure.operations.map(\.invoked) == [500, 501])
    #expect(failure.isMinimal)
    #expect(failure.earlier == 70)
    #expect(failure.start.stock == .init(quantity: 1, reserved: 0, version: 71))
    #expect(failure.timeline.contains("after 70 earlier operations, which lead to: quantity 1, reserved 0, version 71"))
  }

  @Test func aReleasedUnitCanBeReservedAgain() {
    let history = [
      lamp(.reserve("a", units: 1), .done, "A", 1, 2), lamp(.release("a"), .done, "A", 3, 6),
      lamp(.reserve("b", units: 1), .done, "B", 4, 5),
    ]
    #expect(isLinearizable(history) == true)
    #expect(isLinearizable(history + [lamp(.confirm("a"), .done, "A", 7, 8)]) == false)
    #expect(isLinearizable(history + [lamp(.confirm("a"), .notPending, "A", 7, 8)]) == true)
  }

  @Test func anExpiryMayHappenAtAnyTimeSinceItsReservationFellDue() {
    let expiry = Entry(
      client: "expiry", operation: Model.Operation("lamp", .expire("a")), invoked: 5, outcome: .unknown)
    let history = [lamp(.reserve("a", units: 1), .done, "A", 1, 2), expiry]
    #expect(isLinearizable(history + [lamp(.reserve("b", units: 1), .done, "B", 6, 7)]) == true)
    #expect(isLinearizable(history + [lamp(.reserve("b", units: 1), .done, "B", 3, 4)]) == false)
    #expect(isLinearizable(history + [lamp(.confirm("a"), .expired, "A", 6, 7)]) == true)
  }

  @Test func aLateReserveOfAReleasedOrderIsRefused() {
    let released = lamp(.releaseOrder("a"), .done, "A", 1, 2)
    #expect(isLinearizable([released, lamp(.reserve("a", units: 1), .notPending, "A", 3, 4)]) == true)
    #expect(isLinearizable([released, lamp(.reserve("a", units: 1), .done, "A", 3, 4)]) == false)
  }

  @Test func aLostUpdateOfTheQuantityIsFound() {
    let first = lamp(.put(quantity: 5, version: 1), .stock(.init(quantity: 5, version: 2)), "A", 1, 4)
    let second = lamp(.put(quantity: 7, version: 1), .stock(.init(quantity: 7, version: 2)), "B", 2, 3)
    #expect(isLinearizable([first, second]) == false)
    #expect(isLinearizable([first, lamp(.put(quantity: 7, version: 1), .conflict(version: 2), "B", 2, 3)]) == true)
  }

  @Test func aReplenishmentAddsItsUnitsOnce() {
    let once = lamp(.replenish(units: 4, key: "k"), .stock(.init(quantity: 5, version: 2)), "A", 1, 2)
    let again = lamp(.replenish(units: 4, key: "k"), .stock(.init(quantity: 5, version: 2)), "A", 3, 4)
    let twice = lamp(.replenish(units: 4, key: "k"), .stock(.init(quantity: 9, version: 3)), "A", 3, 4)
    #expect(isLinearizable([once, again]) == true)
    #expect(isLinearizable([once, twice]) == false)
  }

  @Test func whatDoesNotExistIsNotFound() {
    let missing = { (action: Model.Action) in
      Entry(client: "A", Model.Operation("chair", action), .notFound, from: 1, to: 2)
    }
    for action: Model.Action in [
      .read, .reserve("a", units: 1), .confirm("a"), .release("a"), .replenish(units: 1, key: "k"),
      .put(quantity: 1, version: 1),
    ] {
      #expect(isLinearizable([missing(action)]) == true, "\(action)")
    }
    let created = Entry(
      client: "A", Model.Operation("chair", .put(quantity: 3, version: 0)), .stock(.init(quantity: 3)), from: 3, to: 4)
    #expect(isLinearizable([missing(.read), created]) == true)
    #expect(isLinearizable([missing(.put(quantity: 3, version: 0))]) == false)
  }

  @Test func productsAreJudgedOneByOne() {
    let history = (0..<50).map { number in
      Entry(
        client: "A", Model.Operation("product \(number)", .read), number == 49 ? .stock(.init(quantity: 1)) : .notFound,
        from: 1, to: 2)
    }
    #expect(isLinearizable(Array(history.dropLast())) == true)
    #expect(isLinearizable(history) == false)
    #expect(LinearizabilityChecker(model).check(history).partitions == 50)
  }
}
