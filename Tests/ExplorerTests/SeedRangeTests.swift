import Explorer
import Testing

@Suite struct SeedRangeTests {
  @Test(arguments: ["1..200", "1...200", "1-200"])
  func aRangeHasBothItsEnds(_ text: String) throws {
    let range = try SeedRange(parsing: text)
    #expect(range.first == 1)
    #expect(range.last == 200)
    #expect(range.count == 200)
  }

  @Test(arguments: ["0", "7", "18446744073709551615"])
  func oneNumberIsARangeOfOneSeed(_ text: String) throws {
    #expect(try SeedRange(parsing: text).count == 1)
    #expect(try SeedRange(parsing: text).description == text)
  }

  @Test(arguments: ["", "..", "1..", "..5", "a..b", "1..2..3", "-1..4", "1.5", "0..18446744073709551615", "1 ..2"])
  func anythingElseExplainsTheForm(_ text: String) {
    let error = #expect(throws: SeedRangeError.self) { try SeedRange(parsing: text) }
    #expect(error?.description.contains("--seeds 1..200") == true)
  }

  @Test func aRangeThatRunsBackwardsIsNamedSo() {
    let error = #expect(throws: SeedRangeError.self) { try SeedRange(parsing: "9..2") }
    #expect(error?.description.contains("backwards") == true)
  }
}
