import Seams

/// An argument of a drawn command, or what takes its place once it is known who plays it.
enum CacheWord: Sendable, Hashable, CustomStringConvertible {
  case text(String)
  /// So many milliseconds from the player's now, as an instant in milliseconds, or in seconds.
  case instant(Int64, inSeconds: Bool)
  /// One of the player's two databases.
  case database(Int)

  var description: String {
    switch self {
    case .text(let text): text.isEmpty ? "\"\"" : text
    case .instant(let offset, let inSeconds): "<now\(offset >= 0 ? "+" : "")\(offset)ms\(inSeconds ? " in s" : "")>"
    case .database(let index): "<database \(index)>"
    }
  }
}

/// Commands that one connection sends as one unit; or a whole SCAN.
struct CacheStep: Sendable, CustomStringConvertible {
  var connection: Int
  var commands: [[CacheWord]]
  /// Whether the commands are one SCAN without its cursor, to be played until its end.
  var isScan = false

  var description: String {
    "c\(connection): " + commands.map { $0.map(\.description).joined(separator: " ") }.joined(separator: " | ")
  }
}

/// Plays steps on one side.
struct CachePlayer: Sendable {
  let connections: [any CacheConnection]
  let databases: [Int]
  let wallClock: any WallClock
  let deadline: MonotonicInstant

  func play(_ step: CacheStep) async throws -> [CacheReply] {
    if step.isScan { return [try await scan(step)] }
    return try await connections[step.connection].send(step.commands.map(command), deadline: deadline)
  }

  private func command(_ words: [CacheWord]) -> CacheCommand {
    let now = wallClock.now.microsecondsSinceEpoch / 1000
    return CacheCommand(
      raw: words.map { word in
        switch word {
        case .text(let text): Array(text.utf8)
        case .instant(let offset, let inSeconds): Array(String(inSeconds ? (now + offset) / 1000 : now + offset).utf8)
        case .database(let index): Array(String(databases[index]).utf8)
        }
      })
  }

  /// Every key of the pages, in order, once; a reply that is no page ends it.
  private func scan(_ step: CacheStep) async throws -> CacheReply {
    var cursor = Array("0".utf8)
    var keys: Set<[UInt8]> = []
    repeat {
      var words = step.commands[0].map { Array($0.description.utf8) }
      words.insert(cursor, at: 1)
      let reply = try await connections[step.connection].send([CacheCommand(raw: words)], deadline: deadline)[0]
      // Inside MULTI it is queued like anything else.
      guard case .array(let parts) = reply else { return reply }
      cursor = try parts[0].bytes ?? []
      for key in try parts[1].array { if let bytes = try key.bytes { keys.insert(bytes) } }
    } while cursor != Array("0".utf8)
    return .array(keys.sorted { $0.lexicographicallyPrecedes($1) }.map { .bytes($0) })
  }
}

/// Whether two replies to one command say the same, but for what two servers may tell apart.
enum CacheComparison {
  /// - Parameter word: the command, in capitals; of what EXEC answers, the command that was queued.
  static func agree(_ live: CacheReply, _ simulated: CacheReply, to word: String, queued: [String] = []) -> Bool {
    switch (word, live, simulated) {
    case ("EXEC", .array(let a), .array(let b)):
      return a.count == b.count && a.count == queued.count
        && zip(queued, zip(a, b)).allSatisfy { agree($1.0, $1.1, to: $0) }
    case ("TTL", .integer(let a), .integer(let b)), ("PTTL", .integer(let a), .integer(let b)):
      // Ends are far away: what matters is whose.
      return a == b || a > 0 && b > 0 && abs(a - b) <= (word == "TTL" ? 2 : 2000)
    case ("HGETALL", .array(let a), .array(let b)): return pairs(a) == pairs(b)
    case ("SCAN", .array(let a), .array(let b)) where a.count == 2 && b.count == 2: return true
    case ("TIME", .array(let a), .array(let b)), ("ROLE", .array(let a), .array(let b)): return a.count == b.count
    case (_, .error(let a), .error(let b)): return withoutPlace(a.message) == withoutPlace(b.message)
    default: return live == simulated
    }
  }

  private static func pairs(_ elements: [CacheReply]) -> [String] {
    stride(from: 0, to: elements.count - 1, by: 2).map { "\(elements[$0]) \(elements[$0 + 1])" }.sorted()
  }

  /// Only Lua knows the line of a script that failed.
  private static func withoutPlace(_ message: String) -> String {
    message.firstRange(of: " script: ").map { String(message[..<$0.lowerBound]) } ?? message
  }
}
