import Checkers
import FoundationEssentials
import HTTPLive
import HTTPTypes
import Inventory
import Seams
import SeamsLive
import ServiceKit
import Testing

/// Reads through a real Redis in front of PostgreSQL.
@Suite("Inventory reads through Redis", .timeLimit(.minutes(2)))
struct LiveCacheTests {
  @Test func theSecondReadIsAHitAndEveryWriteMakesTheNextOneAMiss() async throws {
    try await LiveRedis.with { redis in
      let cache = try LiveRedis.connector(database: redis.databases[0])
      try await LiveDatabase.with { database in
        try await LiveInventory.run(on: database, instances: 2, cache: cache) { inventory in
          let product = try await inventory.seed(products: 1, quantity: 100)[0]
          let (reader, writer) = (inventory.clients[0], inventory.clients[1])
          try await Self.expectReads(reader, product, ["miss", "hit"], version: 1)

          var answers = [try await writer.perform(.put(productId: product, quantity: 50, version: 1))]
          try await Self.expectReads(reader, product, ["miss", "hit"], version: 2)
          answers.append(try await writer.perform(.replenish(productId: product, quantity: 5, key: "delivery 1")))
          try await Self.expectReads(reader, product, ["miss", "hit"], version: 3)
          for number in 0..<3 {
            answers.append(try await writer.reserve([product], ttlSeconds: number == 2 ? 1 : 60))
            try await Self.expectReads(reader, product, ["miss", "hit"], version: 4 + number)
          }
          let ids = answers.compactMap(\.reservationId)
          answers.append(try await writer.perform(.confirm(reservationId: ids[0])))
          try await Self.expectReads(reader, product, ["miss", "hit"], version: 7)
          answers.append(try await writer.perform(.release(reservationId: ids[1])))
          try await Self.expectReads(reader, product, ["miss", "hit"], version: 8)
          var expired = 0
          while expired == 0 { expired = try await writer.perform(.expire).json["expired"]?.integer ?? 0 }
          try await Self.expectReads(reader, product, ["miss", "hit"], version: 9)
          #expect(answers.allSatisfy { $0.status == 200 })

          let several = ClientRecord.Operation.readItems(productIds: [product])
          #expect(try await reader.perform(several).cache == "hit")
          for expected in ["miss", "hit"] {
            #expect(try await reader.perform(.readAggregate(.stats)).cache == expected)
          }
        }
      }
    }
  }

  private static func expectReads(
    _ client: LiveClient, _ product: UUID, _ expected: [String], version: Int
  ) async throws {
    for cache in expected {
      let answer = try await client.perform(.readItem(productId: product))
      #expect(answer.cache == cache && answer.json["version"]?.integer == version, "\(answer.json)")
    }
  }

  @Test("cache-race: after reads and writes at the same time cache and table agree")
  func fillsDoNotOutliveInvalidations() async throws {
    try await LiveRedis.with { redis in
      let cache = try LiveRedis.connector(database: redis.databases[0])
      try await LiveDatabase.with { database in
        try await LiveInventory.run(on: database, instances: 2, cache: cache) { inventory in
          let product = try await inventory.seed(products: 1, quantity: 10_000)[0]
          var hits = 0
          for round in 0..<20 {
            let answers = try await inventory.atOnce(60) { client, number in
              number % 20 < 2
                ? try await client.perform(
                  .replenish(productId: product, quantity: 1, key: "round \(round), \(number)"))
                : try await client.perform(.readItem(productId: product))
            }
            #expect(answers.allSatisfy { $0.status == 200 })
            hits += answers.count { $0.cache == "hit" }
            for client in inventory.clients {
              let read = try await client.perform(.readItem(productId: product))
              #expect(read.json["version"]?.integer == 1 + 6 * (round + 1), "\(read.json), \(read.cache)")
            }
          }
          #expect(hits > 0)
        }
      }
    }
  }

  @Test("redis-down: Redis dies, restarts, stands still; every request is answered in time")
  func withoutRedisEverythingGoesOn() async throws {
    try await OwnRedis.with { redis in
      let cache = try LiveRedis.connector(url: redis.url)
      try await LiveDatabase.with { database in
        try await LiveInventory.run(on: database, instances: 2, cache: cache) { inventory in
          let products = try await inventory.seed(products: 4, quantity: 1_000)
          try await Self.untilUsed(inventory, products[0])
          for trouble in [redis.kill, redis.stall] {
            trouble()
            try await Self.expectService(inventory, products)
            redis.kill()
            try await redis.start()
            try await Self.untilUsed(inventory, products[0])
          }
          try await Self.expectService(inventory, products)
        }
      }
    }
  }

  /// Reads and writes until a read is answered from the cache, which takes as long as the pool backs off.
  private static func untilUsed(_ inventory: LiveInventory, _ product: UUID) async throws {
    let limit = LiveDatabase.soon()
    while try await inventory.clients[0].perform(.readItem(productId: product)).cache != "hit" {
      guard SystemMonotonicClock().now < limit else { throw ConformanceFailure("the cache is not used again") }
      try await SystemMonotonicClock().sleep(for: .milliseconds(50))
    }
  }

  private static func expectService(_ inventory: LiveInventory, _ products: [UUID]) async throws {
    let clock = SystemMonotonicClock()
    for _ in 0..<10 {
      let took = try await inventory.atOnce(20) { client, number -> Duration in
        let start = clock.now
        let product = products[number % products.count]
        let answer =
          number % 5 == 0
          ? try await client.reserve([product]) : try await client.perform(.readItem(productId: product))
        #expect(answer.status == 200, "\(answer.json)")
        return start.duration(to: clock.now)
      }
      // A shared machine has other things to do, too.
      #expect((took.max() ?? .zero) < .seconds(2))
    }
  }

  @Test func zocodCachesWithAURLAndServesWithoutTheServerBehindIt() async throws {
    try await LiveRedis.with { redis in
      try await LiveDatabase.with { database in
        try await database.migrate()
        var settings = try database.zocodSettings
        _ = try await ZocodProcess.run(["seed", "--products", "1"], settings: settings)
        let url = try LiveRedis.serverURL()
        let base = url[...(url.lastIndex(of: "/") ?? url.startIndex)]
        let transport = LiveHTTPTransport(clock: database.clock)
        for (redisURL, expected) in [("\(base)\(redis.databases[0])", "hit"), ("redis://:geheim@127.0.0.1:1", "miss")] {
          settings["REDIS_URL"] = redisURL
          try await ZocodProcess.serving(settings: settings) { process, address in
            let client = LiveClient(transport: transport, authority: "\(address)")
            let read = ClientRecord.Operation.readItem(productId: InventorySeeder.productId(1))
            // The first one may come before there is a connection.
            _ = try await client.perform(read)
            var last = ""
            let limit = database.clock.now.advanced(by: .seconds(10))
            while last != expected, database.clock.now < limit { last = try await client.perform(read).cache }
            #expect(last == expected)
            process.terminate()
            let end = await process.end()
            #expect(end.status == 0 && !end.mentions("geheim"), "\(end.log)")
          }
        }
        try await transport.shutdown()
      }
    }
  }
}

extension LiveAnswer {
  /// What `X-Cache` says.
  var cache: String { HTTPField.Name("X-Cache").flatMap { fields[$0] } ?? "" }
}
