import FoundationEssentials
import HTTPTypes
import Inventory
import Seams
import ServiceKit
import SimulatedPostgres
import SimulatedRedis
import SimulationKernel
import Testing

@Suite struct CachedReadTests {
  private static func cache(_ answer: Answer) -> String { answer.headers[HTTPField.Name("X-Cache")!] ?? "" }

  @Test func theSecondReadIsAHitOnEveryInstanceAndSaysTheSame() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2, cache: bench.redis()) { clients in
      _ = try await clients[0].put(1, quantity: 5)
      let (first, second) = (try await clients[0].stock(1), try await clients[1].stock(1))
      check(Self.cache(first) == "miss" && Self.cache(second) == "hit")
      check(first.json == second.json && first.headers[.eTag] == second.headers[.eTag])
    }
  }

  @Test func withoutACacheEveryReadIsAMiss() throws {
    let bench = try InventoryBench()
    bench.run { clients in
      _ = try await clients[0].put(1, quantity: 5)
      for _ in 0..<3 { check(Self.cache(try await clients[0].stock(1)) == "miss") }
    }
  }

  /// Every way to change a row, each by an instance that did not fill the cache.
  @Test func afterEachKindOfWriteTheNextReadTellsOfIt() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2, cache: bench.redis()) { clients in
      var version = 1
      func changed(_ what: String, _ write: () async throws -> Answer) async throws {
        _ = try await clients[0].stock(1)
        check(Self.cache(try await clients[0].stock(1)) == "hit", "before \(what)")
        let answer = try await write()
        check(answer.status < 300, "\(what): \(answer.text)")
        let read = try await clients[0].stock(1)
        version += 1
        check(Self.cache(read) == "miss" && read.int("version") == version, "after \(what): \(read.text)")
      }
      _ = try await clients[1].put(1, quantity: 5)
      try await changed("PUT") { try await clients[1].put(1, quantity: 9, version: 1) }
      try await changed("replenish") { try await clients[1].replenish(1, quantity: 1, key: "k") }
      var ids: [String] = []
      for number in 1...3 {
        try await changed("reserve") {
          let answer = try await clients[1].reserve(number, [line(1, 1)], ttl: number == 3 ? 1 : 60)
          ids.append(answer.reservationId)
          return answer
        }
      }
      try await changed("confirm") { try await clients[1].confirm(ids[0]) }
      try await changed("release") { try await clients[1].release(ids[1]) }
      try await clients[0].process.clock.sleep(for: .seconds(2))
      try await changed("expire") { try await clients[1].expire() }
      try await changed("reserve") { try await clients[1].reserve(4, [line(1, 1)]) }
      try await changed("release by order") { try await clients[1].release(order: 4) }
    }
  }

  @Test func severalProductsAreReadFromTheCacheAsFarAsTheyAreThere() throws {
    let bench = try InventoryBench()
    bench.run(cache: bench.redis()) { clients in
      for number in 1...3 { _ = try await clients[0].put(number, quantity: number) }
      func read(_ numbers: [Int]) async throws -> (String, [Int?]) {
        let ids = numbers.map { product($0).canonicalText }.joined(separator: ",")
        let answer = try await clients[0].send(.get, "/inventory?ids=\(ids)")
        return (Self.cache(answer), answer.json["items"]?.array?.map { $0["quantity"]?.integer } ?? [])
      }
      check(try await read([2, 1]) == ("miss", [1, 2]))
      check(try await read([1, 2]) == ("hit", [1, 2]))
      check(try await read([3, 1, 2]) == ("miss", [1, 2, 3]))
      check(try await read([1, 2, 3]) == ("hit", [1, 2, 3]))
      // One that is not there is left out, and not remembered.
      check(try await read([1, 9]) == ("miss", [1]))
      _ = try await clients[0].put(9, quantity: 9)
      check(try await read([1, 9]) == ("miss", [1, 9]))
      check(try await clients[0].stock(8).status == 404)
    }
  }

  @Test func aggregationsAreCachedForTheirLife() throws {
    let bench = try InventoryBench()
    bench.run(instances: 2, cache: bench.redis()) { clients in
      _ = try await clients[0].put(1, quantity: 5)
      let paths = ["low-stock?threshold=10&limit=5", "most-reserved?limit=3", "stats"]
      for path in paths {
        let first = try await clients[0].send(.get, "/inventory/\(path)")
        let second = try await clients[1].send(.get, "/inventory/\(path)")
        check(Self.cache(first) == "miss" && Self.cache(second) == "hit" && first.json == second.json, path)
      }
      let other = try await clients[0].send(.get, "/inventory/low-stock?threshold=11&limit=5")
      check(Self.cache(other) == "miss")
      _ = try await clients[0].reserve(1, [line(1, 5)])
      try await clients[0].process.clock.sleep(for: .seconds(901))
      let late = try await clients[1].send(.get, "/inventory/stats")
      check(Self.cache(late) == "miss" && late.int("reserved") == 5 && late.int("soldOut") == 1)
    }
  }

  @Test func readersOfOneProductShareOneRead() throws {
    let bench = try InventoryBench()
    bench.run(cache: bench.redis()) { clients in
      _ = try await clients[0].put(1, quantity: 5)
      let before = clients[0].service.cache?.cache.figures.leases ?? 0
      try await withThrowingTaskGroup(of: Answer.self) { group in
        for _ in 0..<50 { group.addTask { try await clients[0].stock(1) } }
        for try await answer in group { check(answer.status == 200 && answer.int("quantity") == 5) }
      }
      let figures = clients[0].service.cache?.cache.figures
      check(figures?.leases == before + 1 && figures?.busy == 0 && figures?.fills == 1)
    }
  }

  @Test func aCacheThatIsGoneCostsTimeAndNothingElse() throws {
    let bench = try InventoryBench()
    let redis = bench.redis()
    bench.run(instances: 2, cache: redis) { clients in
      _ = try await clients[0].put(1, quantity: 100)
      _ = try await clients[0].stock(1)
      redis.crash()
      let clock = clients[0].process.clock
      var longest = Duration.zero
      for number in 1...40 {
        let start = clock.now
        let reserved = try await clients[number % 2].reserve(number, [line(1, 1)])
        let read = try await clients[number % 2].stock(1)
        longest = max(longest, start.duration(to: clock.now))
        check(reserved.status == 200 && Self.cache(read) == "miss" && read.int("reserved") == number)
      }
      check(longest < .milliseconds(400), "\(longest)")
      redis.restart()
      try await clock.sleep(for: .seconds(10))
      _ = try await clients[0].stock(1)
      check(Self.cache(try await clients[1].stock(1)) == "hit")
    }
  }
}
