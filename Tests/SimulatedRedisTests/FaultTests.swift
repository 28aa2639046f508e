import Seams
import SimulatedNetwork
import SimulatedRedis
import SimulationKernel
import Testing

@Suite struct FaultTests {
  @Test func aCrashLosesEverythingAndRefusesConnections() {
    Laboratory().run { client in
      let connection = try await client.connect()
      _ = try await connection.execute(.set("k", "v"), deadline: .distantFuture)
      client.server.crash()
      try await client.sleep(.milliseconds(5))
      try client.expect(connection.isClosed, "the connection should have broken")
      let error = try await client.failure { _ = try await client.connect() }
      try client.expect(error.code == .connectFailed && error.message.contains("refused"), "\(error)")
      client.server.restart()
      try client.expect(try await client.ask("GET", "k"), .null)
    }
  }

  @Test(arguments: [(RedisFault.connectionLostBefore, CacheReply.null), (.connectionLostAfter, .text("v"))])
  func aLostConnectionIsAmbiguousForAWrite(_ fault: RedisFault, _ stored: CacheReply) {
    Laboratory().run { client in
      let connection = try await client.connect()
      client.server.injectNext(fault)
      let error = try await client.failure {
        _ = try await connection.execute(.set("k", "v"), deadline: .distantFuture)
      }
      try client.expect(error.code == .connectionLost && error.disposition == .ambiguous, "\(error)")
      try client.expect(connection.isClosed, "it should be closed")
      try client.expect(try await client.ask("GET", "k"), stored)
      client.server.injectNext(fault)
      let next = try await client.connect()
      let read = try await client.failure { _ = try await next.execute(.get("k"), deadline: .distantFuture) }
      try client.expect(read.disposition == .retryable, "\(read)")
    }
  }

  @Test func aSlowCommandHoldsUpEverybody() {
    Laboratory().run { client in
      client.server.faults.slowness = .milliseconds(500) ... .milliseconds(500)
      let (slow, other) = (try await client.connect(), try await client.connect())
      client.server.injectNext(.slowCommand)
      async let first = slow.execute(.ping, deadline: .distantFuture)
      try await client.sleep(.milliseconds(2))
      let start = client.process.clock.now
      _ = try await other.execute(.ping, deadline: .distantFuture)
      try client.expect(start.duration(to: client.process.clock.now) > .milliseconds(400), "it did not wait")
      _ = try await first
    }
  }

  @Test func aCommandThatIsLateLeavesTheConnection() {
    Laboratory().run { client in
      client.server.faults.slowness = .seconds(1) ... .seconds(1)
      let connection = try await client.connect()
      client.server.injectNext(.slowCommand)
      async let late = connection.execute(.set("a", "1"), deadline: client.after(.milliseconds(100)))
      async let patient = connection.execute(.set("b", "2"), deadline: client.after(.seconds(5)))
      do {
        _ = try await late
        try client.expect(false, "it should have been late")
      } catch let error as CacheError {
        try client.expect(error.code == .deadlineExceeded && error.mayHaveTakenEffect, "\(error)")
      }
      try client.expect(connection.isClosed, "it should take no more")
      try client.expect(try await patient, .status("OK"))
      try client.expect(try await client.ask("GET", "a"), .text("1"))
    }
  }

  @Test(arguments: 0...4)
  func aFailOverLosesTheLatestWritesAndTheScripts(_ lost: Int) {
    let script = CacheScript(name: "one", keyCount: 0, source: "return 1") { _ in .integer(1) }
    Laboratory(scripts: [script]) { $0.replicationLogLength = 3 }.run { client in
      let connection = try await client.connect()
      for value in 1...5 { _ = try await connection.ask(["SET", "k", "\(value)"]) }
      try await client.ask("SCRIPT", "LOAD", "return 1")
      let undone = client.server.failOver(losing: lost)
      try client.expect(undone == min(3, lost), "\(undone) writes were lost")
      try client.expect(try await client.ask("GET", "k"), .text("\(5 - min(3, lost))"))
      let reply = try await client.ask("EVALSHA", script.digest, "0")
      try client.expect(reply, .error(CacheError(server: "NOSCRIPT No matching script. Please use EVAL.")))
    }
  }

  @Test func aTransactionIsLostAsAWhole() {
    Laboratory { $0.replicationLogLength = 10 }.run { client in
      let connection = try await client.connect()
      _ = try await connection.transaction(
        [.set("a", "1"), CacheCommand("ZADD", "z", 1, "m"), CacheCommand("HSET", "h", "f", "v")],
        deadline: .distantFuture)
      _ = try await connection.transaction(
        [.set("a", "2"), CacheCommand("ZADD", "z", 2, "m"), CacheCommand("HDEL", "h", "f")], deadline: .distantFuture)
      client.server.failOver(losing: 1)
      try client.expect(try await client.ask("GET", "a"), .text("1"))
      try client.expect(try await client.ask("ZSCORE", "z", "m"), .text("1"))
      try client.expect(try await client.ask("HGET", "h", "f"), .text("v"))
    }
  }

  @Test func aPartitionIsSilence() {
    Laboratory().run { client in
      let connection = try await client.connect()
      client.server.network.partition([client.process.host], from: [client.server.host])
      let error = try await client.failure {
        _ = try await connection.execute(.set("k", "v"), deadline: client.after(.seconds(1)))
      }
      try client.expect(error.code == .deadlineExceeded && error.disposition == .ambiguous, "\(error)")
      let refused = try await client.failure { _ = try await client.connect() }
      try client.expect(refused.code == .connectFailed, "\(refused)")
      client.server.network.heal()
      try client.expect(try await client.ask("GET", "k"), .null)
    }
  }

  @Test func aServerThatLoadsSaysSo() {
    Laboratory { $0.loadingTime = .seconds(1) }.run { client in
      client.server.crash()
      client.server.restart()
      let reply = try await client.ask("GET", "k")
      try client.expect(reply, .error(CacheError(server: "LOADING Redis is loading the dataset in memory")))
      try await client.sleep(.seconds(1))
      try client.expect(try await client.ask("GET", "k"), .null)
    }
  }

  @Test func aClientThatCrashesSendsNoMore() {
    let laboratory = Laboratory()
    let server = laboratory.server
    let other = laboratory.kernel.host("service")
    laboratory.run { client in
      other.boot { process in
        let own = Client(process: process, server: server)
        let connection = try await own.connect()
        while true {
          _ = try await connection.execute(.increment("n"), deadline: .distantFuture)
          try await own.sleep(.milliseconds(10))
        }
      }
      try await client.sleep(.seconds(1))
      other.crash()
      try await client.sleep(.milliseconds(10))
      let before = try await client.ask("GET", "n")
      try await client.sleep(.seconds(1))
      try client.expect(try await client.ask("GET", "n"), before)
    }
  }
}
