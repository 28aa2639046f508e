import Seams
import ServiceKit

extension CacheBehaviour {
  /// Values, lifetimes, transactions and scripts.
  static let values: [CacheBehaviour] = [
    CacheBehaviour("any bytes come back as they were") { bench in
      try await bench.session { connection in
        let value = (0...255).map(UInt8.init) + Array("\r\n$-1\r\n".utf8)
        _ = try await connection.execute(.set(value, value), deadline: bench.soon)
        try expectEqual(try await connection.execute(.get(value), deadline: bench.soon), .bytes(value))
      }
    },
    CacheBehaviour("a large value travels") { bench in
      try await bench.session { connection in
        let value = [UInt8](repeating: 7, count: 2_000_000)
        _ = try await connection.execute(.set("k", value), deadline: bench.soon)
        try expectEqual(try await connection.execute(.get("k"), deadline: bench.soon), .bytes(value))
      }
    },
    CacheBehaviour("a lifetime ends") { bench in
      try await bench.session { connection in
        _ = try await connection.execute(.set("k", "v", expiry: .after(.milliseconds(80))), deadline: bench.soon)
        try expectEqual(try await bench.ask(connection, "GET", "k"), .text("v"))
        let left = try await connection.execute(.timeToLive("k"), deadline: bench.soon).integer
        try expectTrue((1...80).contains(left), "\(left) ms are left")
        try await bench.sleep(.milliseconds(120))
        try expectEqual(try await bench.ask(connection, "GET", "k"), .null)
        try expectEqual(try await bench.ask(connection, "PTTL", "k"), .integer(-2))
      }
    },
    CacheBehaviour("a value that ended before it was set is none") { bench in
      try await bench.session { connection in
        let past = bench.wallClock.now.advanced(by: .seconds(-10))
        let set = try await connection.execute(.set("k", "v", expiry: .at(past)), deadline: bench.soon)
        try expectEqual(set, .status("OK"))
        try expectEqual(try await bench.ask(connection, "GET", "k"), .null)
        try expectEqual(try await bench.ask(connection, "SET", "k", "w", "NX"), .status("OK"))
      }
    },
    CacheBehaviour("a tombstone keeps out a fill, and lets the next one in when it has ended") { bench in
      try await bench.session { connection in
        _ = try await connection.execute(.set("k", "", expiry: .after(.milliseconds(60))), deadline: bench.soon)
        let fill = CacheCommand.set("k", "stale", expiry: .after(.seconds(60)), condition: .ifAbsent)
        try expectEqual(try await connection.execute(fill, deadline: bench.soon), .null)
        try await bench.sleep(.milliseconds(100))
        try expectEqual(try await connection.execute(fill, deadline: bench.soon), .status("OK"))
      }
    },
    CacheBehaviour("a transaction answers every command") { bench in
      try await bench.session { connection in
        let replies = try await connection.transaction(
          [.set("k", "1"), .increment("k", by: 4), .get(["k", "none"])], deadline: bench.soon)
        try expectEqual(replies, [.status("OK"), .integer(5), .array([.text("5"), .null])])
        try expectEqual(try await connection.transaction([], deadline: bench.soon), [])
      }
    },
    CacheBehaviour("a command that fails in a transaction undoes nothing") { bench in
      try await bench.session { connection in
        let replies = try await connection.transaction(
          [.set("k", "text"), .increment("k"), .set("l", "after")], deadline: bench.soon)
        try expectEqual(
          replies,
          [.status("OK"), .failure("ERR value is not an integer or out of range"), .status("OK")])
        try expectEqual(try await bench.ask(connection, "GET", "l"), .text("after"))
      }
    },
    CacheBehaviour("a transaction that cannot be queued does nothing") { bench in
      try await bench.session { connection in
        let error = try await bench.error {
          _ = try await connection.transaction([.set("k", "1"), CacheCommand("GET")], deadline: bench.soon)
        }
        try expectEqual(error.message, "ERR wrong number of arguments for 'get' command")
        try expectEqual(error.commandIndex, 1)
        try expectEqual(error.disposition, .permanent)
        try expectEqual(try await bench.ask(connection, "GET", "k"), .null)
      }
    },
    CacheBehaviour("a script runs though the server does not know it yet") { bench in
      try await bench.session { connection in
        _ = try await bench.ask(connection, "SCRIPT", "FLUSH")
        _ = try await bench.ask(connection, "SET", "claim", "mine")
        let script = CacheScripts.deleteIfEqual
        for (value, expected) in [("other", 0), ("mine", 1), ("mine", 0)] as [(String, Int64)] {
          let reply = try await connection.evaluate(script, keys: ["claim"], arguments: [value], deadline: bench.soon)
          try expectEqual(reply, .integer(expected))
        }
        let exists = try await bench.ask(connection, "SCRIPT", "EXISTS", script.digest)
        try expectEqual(exists, .array([.integer(1)]))
        let loaded = try await connection.execute(.load(script), deadline: bench.soon)
        try expectEqual(loaded, .text(script.digest))
      }
    },
    CacheBehaviour("a claim is left where nothing is, and replaced by who made it alone") { bench in
      try await bench.session { connection in
        let claim = CacheCommand.set(
          "k", "mine", expiry: .after(.seconds(60)), condition: .ifAbsent, returningOld: true)
        try expectEqual(try await connection.execute(claim, deadline: bench.soon), .null)
        try expectEqual(try await connection.execute(claim, deadline: bench.soon), .text("mine"))
        for (claim, expected) in [("another's", 0), ("mine", 1), ("mine", 0)] as [(String, Int64)] {
          let reply = try await connection.evaluate(
            CacheScripts.replaceIfEqual, keys: ["k"], arguments: [claim, "value", "30000"], deadline: bench.soon)
          try expectEqual(reply, .integer(expected))
        }
        try expectEqual(try await bench.ask(connection, "GET", "k"), .text("value"))
        let left = try await connection.execute(.timeToLive("k"), deadline: bench.soon).integer
        try expectTrue((1...30_000).contains(left), "\(left)")
      }
    },
    CacheBehaviour("what a script wrote before it failed stays") { bench in
      try await bench.session { connection in
        _ = try await bench.ask(connection, "HSET", "h", "f", "v")
        let error = try await bench.error {
          _ = try await connection.evaluate(TestScripts.failing, keys: ["k", "h"], deadline: bench.soon)
        }
        try expectEqual(error.prefix, "WRONGTYPE")
        let place = " script: \(TestScripts.failing.digest), on @user_script:"
        try expectTrue(error.message.contains(place), error.message)
        try expectEqual(try await bench.ask(connection, "GET", "k"), .text("written"))
      }
    },
  ]
}
