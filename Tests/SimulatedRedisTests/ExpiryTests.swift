import Seams
import SimulatedRedis
import SimulationKernel
import Testing

@Suite struct ExpiryTests {
  @Test func aKeyLivesExactlyAsLongAsItWasGiven() {
    Laboratory().run { client in
      try await client.ask("SET", "k", "v", "PX", "1000")
      try await client.sleep(.milliseconds(990))
      try client.expect(try await client.ask("GET", "k"), .text("v"))
      try await client.sleep(.milliseconds(20))
      try client.expect(try await client.ask("GET", "k"), .null)
      try client.expect(try await client.ask("PTTL", "k"), .integer(-2))
      try client.expect(try await client.ask("DBSIZE"), .integer(0))
    }
  }

  @Test func anHourCostsNothing() {
    Laboratory().run { client in
      try await client.ask("SET", "k", "v", "EX", "3600")
      try await client.sleep(.seconds(3599))
      try client.expect(try await client.ask("EXISTS", "k"), .integer(1))
      try await client.sleep(.seconds(2))
      try client.expect(try await client.ask("EXISTS", "k"), .integer(0))
    }
  }

  @Test func theServersCivilClockDecides() {
    let laboratory = Laboratory()
    let host = laboratory.server.host
    laboratory.run { client in
      try await client.ask("SET", "k", "v", "EX", "60")
      host.setWallSkew(.seconds(120))
      try client.expect(try await client.ask("GET", "k"), .null)
    }
  }
}
