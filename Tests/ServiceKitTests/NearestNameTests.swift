import ServiceKit
import Testing

@Suite struct NearestNameTests {
  static let names = ["last-item", "stale-version", "expiry", "opposite-order", "inventory-chaos"]

  @Test(arguments: [("lastitem", "last-item"), ("Inventry-Chaos", "inventory-chaos"), ("expriy", "expiry")])
  func theNearestNameIsTheOneThatWasMeant(_ typed: String, _ meant: String) {
    #expect(NearestName.of(typed, among: Self.names) == meant)
  }

  @Test(arguments: ["", "checkout", "x", String(repeating: "a", count: 65)])
  func whatIsLikeNoNameHasNoNearestOne(_ typed: String) {
    #expect(NearestName.of(typed, among: Self.names) == nil)
  }

  @Test func withoutCandidatesThereIsNoNearestName() {
    #expect(NearestName.of("expiry", among: []) == nil)
  }
}
