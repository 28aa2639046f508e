import Seams
import Testing

@Suite struct TimestampTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999999Z", -1), ("2000-02-29T12:00:00Z", 951_825_600_000_000),
    ("2026-01-31T09:05:00.250Z", 1_769_850_300_250_000), ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
  ])
  func printsAndParsesRFC3339(text: String, microseconds: Int64) throws {
    let time = Timestamp(microsecondsSinceEpoch: microseconds)
    #expect(time.description == text)
    #expect(Timestamp(text) == time)
  }

  @Test(arguments: [
    ("2026-01-31 09:05:00.25+00", 1_769_850_300_250_000), ("2026-01-31T11:05:00.25+02:00", 1_769_850_300_250_000),
    ("2026-01-31T03:35:00.25-0530", 1_769_850_300_250_000), ("2026-01-31t09:05:00.2500009z", 1_769_850_300_250_000),
  ])
  func parsesOffsetsAndPostgreSQLsForm(text: String, microseconds: Int64) {
    #expect(Timestamp(text)?.microsecondsSinceEpoch == microseconds)
  }

  @Test(arguments: [
    "", "2026", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-1-1T0:0:0Z",
  ])
  func refusesWhatIsNoTime(text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test func everyDayOfFourCenturiesSurvivesTheRoundTrip() {
    for day in stride(from: Int64(-146_097), through: 146_097, by: 1) {
      let time = Timestamp(microsecondsSinceEpoch: day * 86_400_000_000)
      #expect(Timestamp(time.description) == time)
    }
  }
}

@Suite struct MonotonicInstantTests {
  @Test func noDeadlineStaysNoDeadlineWhenItIsAdvanced() {
    #expect(MonotonicInstant.distantFuture.advanced(by: .seconds(1)) == .distantFuture)
    #expect(MonotonicInstant(nanoseconds: .min).advanced(by: .seconds(-1)).nanoseconds == .min)
  }

  @Test func durationsClampInsteadOfOverflowing() {
    #expect(Duration.seconds(Int64.max).nanosecondsClamped == .max)
    #expect(Duration.seconds(Int64.min).nanosecondsClamped == .min)
    #expect(Duration.nanoseconds(-1).nanosecondsClamped == -1)
    #expect(Duration.milliseconds(1500).nanosecondsClamped == 1_500_000_000)
  }
}
