import Seams

extension CacheBehaviour {
  /// Connections, their order, and how they end.
  static let connections: [CacheBehaviour] = [
    CacheBehaviour("a pipeline answers every command, errors as values") { bench in
      try await bench.session { connection in
        let replies = try await connection.send(
          [.set("k", "v"), .increment("k"), CacheCommand("GET"), .get("k")], deadline: bench.soon)
        try expectEqual(
          replies,
          [
            .status("OK"), .failure("ERR value is not an integer or out of range"),
            .failure("ERR wrong number of arguments for 'get' command"), .text("v"),
          ])
        try expectEqual(try await connection.send([], deadline: bench.soon), [])
      }
    },
    CacheBehaviour("calls that overlap get their own answers") { bench in
      try await bench.session { connection in
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<200 {
            group.addTask {
              let text = String(repeating: "\(number) ", count: number)
              let reply = try await connection.execute(CacheCommand("ECHO", text), deadline: bench.soon)
              try expectEqual(reply, .text(text))
            }
          }
          try await group.waitForAll()
        }
      }
    },
    CacheBehaviour("calls take effect in the order in which they went out") { bench in
      try await bench.session { connection in
        async let first = connection.execute(CacheCommand("APPEND", "k", "a"), deadline: bench.soon)
        _ = try await first
        try await withThrowingTaskGroup(of: Int64.self) { group in
          for _ in 0..<50 {
            group.addTask { try await connection.execute(.increment("n"), deadline: bench.soon).integer }
          }
          var seen: Set<Int64> = []
          for try await value in group { seen.insert(value) }
          try expectEqual(seen, Set(1...50))
        }
      }
    },
    CacheBehaviour("a server's error is thrown with its prefix, and the connection stays") { bench in
      try await bench.session { connection in
        _ = try await bench.ask(connection, "HSET", "h", "f", "v")
        let error = try await bench.error { _ = try await connection.execute(.get("h"), deadline: bench.soon) }
        try expectEqual(error.code, .server)
        try expectEqual(error.message, "WRONGTYPE Operation against a key holding the wrong kind of value")
        try expectEqual(error.prefix, "WRONGTYPE")
        try expectEqual(error.disposition, .permanent)
        try expectTrue(!connection.isClosed, "the connection closed")
      }
    },
    CacheBehaviour("a deadline that has passed sends nothing") { bench in
      try await bench.session { connection in
        let error = try await bench.error {
          _ = try await connection.execute(.set("k", "v"), deadline: bench.clock.now)
        }
        try expectEqual(error.code, .deadlineExceeded)
        try expectEqual(error.disposition, .retryable)
        try expectTrue(!connection.isClosed, "the connection closed")
        try expectEqual(try await bench.ask(connection, "GET", "k"), .null)
      }
      let error = try await bench.error { _ = try await bench.connector.connect(deadline: bench.clock.now) }
      try expectEqual(error.code, .connectFailed)
    },
    CacheBehaviour("a closed connection says so") { bench in
      let connection = try await bench.connect()
      connection.close()
      connection.close()
      try expectTrue(connection.isClosed, "it is open")
      let error = try await bench.error { _ = try await connection.execute(.set("k", "v"), deadline: bench.soon) }
      try expectEqual(error.code, .connectionClosed)
      try expectEqual(error.disposition, .retryable)
    },
    CacheBehaviour("a connection that the server ends is noticed without a command") { bench in
      let connection = try await bench.connect()
      try await bench.kill()
      for _ in 0..<200 where !connection.isClosed { try await bench.sleep(.milliseconds(10)) }
      try expectTrue(connection.isClosed, "it is open")
      let error = try await bench.error { _ = try await connection.execute(.get("k"), deadline: bench.soon) }
      try expectEqual(error.code, .connectionClosed)
    },
    CacheBehaviour("what belongs to the driver is refused") { bench in
      try await bench.session { connection in
        for name in ["SUBSCRIBE", "MONITOR", "BLPOP", "CLIENT", "QUIT"] {
          let error = try await bench.error { _ = try await bench.ask(connection, name, "x") }
          try expectEqual(error.code, .refused)
          try expectEqual(error.message, "\(name) is the driver's to send")
        }
        try expectTrue(!connection.isClosed, "the connection closed")
      }
    },
    CacheBehaviour("a cancelled call throws and leaves the connection of use") { bench in
      try await bench.session { connection in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            do {
              while true { _ = try await connection.execute(.increment("n"), deadline: bench.soon) }
            } catch is CancellationError {}
          }
          try await bench.sleep(.milliseconds(20))
          group.cancelAll()
          try await group.waitForAll()
        }
        try expectEqual(try await bench.ask(connection, "ECHO", "x"), .text("x"))
      }
    },
  ]
}
