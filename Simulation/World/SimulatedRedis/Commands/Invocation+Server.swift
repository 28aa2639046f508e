import Seams

extension CommandSpecification {
  /// Redis manual, "Connection", "Server" and "Scripting" commands.
  static var server: [String: CommandSpecification] {
    [
      "PING": Self(arity: -1) { try $0.ping() },
      "ECHO": Self(arity: 2) { .bytes($0.bytes(1)) },
      "TIME": Self(arity: 1) { .array($0.engine.timeParts.map { .bytes(Array(String($0).utf8)) }) },
      "SELECT": Self(arity: 2) { try $0.select() },
      "ROLE": Self(arity: 1) { call in
        .array([.bytes(Array("master".utf8)), .integer(call.engine.writes), .array([])])
      },
      "EVAL": Self(arity: -3) { try $0.evaluate(isDigest: false) },
      "EVALSHA": Self(arity: -3) { try $0.evaluate(isDigest: true) },
      "SCRIPT": Self(arity: -2) { try $0.script() },
    ]
  }
}

extension Invocation {
  fileprivate func ping() throws -> CacheReply {
    guard count <= 2 else { throw RedisFailure.arity(name) }
    return count == 2 ? .bytes(bytes(1)) : .status("PONG")
  }

  fileprivate func select() throws -> CacheReply {
    let number = try integer(1)
    guard number >= Int64(Int32.min), number <= Int64(Int32.max) else { throw RedisFailure.notAnInteger }
    guard number >= 0, number < RedisEngine.databaseCount else { throw RedisFailure("ERR DB index is out of range") }
    session.database = Int(number)
    return .ok
  }

  fileprivate func script() throws -> CacheReply {
    switch (word(1), count) {
    case ("LOAD", 3):
      let script = try engine.registered(source: command[2])
      engine.loadedScripts.insert(script.digest)
      return .bytes(Array(script.digest.utf8))
    case ("LOAD", _): throw RedisFailure.arity("script|load")
    case ("EXISTS", 3...):
      return .array((2..<count).map { flag(engine.loadedScripts.contains(digest($0))) })
    case ("EXISTS", _): throw RedisFailure.arity("script|exists")
    case ("FLUSH", 2):
      engine.loadedScripts = []
      return .ok
    default: throw RefusedCommand("SCRIPT \(word(1)) with \(count - 2) arguments")
    }
  }

  private func digest(_ position: Int) -> String { String(decoding: command[position], as: UTF8.self).lowercased() }

  fileprivate func evaluate(isDigest: Bool) throws -> CacheReply {
    let keyCount = try integer(2)
    guard keyCount <= count - 3 else {
      throw RedisFailure("ERR Number of keys can't be greater than number of args")
    }
    guard keyCount >= 0 else { throw RedisFailure("ERR Number of keys can't be negative") }
    let script: CacheScript
    if isDigest {
      guard let known = engine.loadedScript(digest(1)) else {
        throw RedisFailure("NOSCRIPT No matching script. Please use EVAL.")
      }
      script = known
    } else {
      script = try engine.registered(source: command[1])
      engine.loadedScripts.insert(script.digest)
    }
    guard keyCount == Int64(script.keyCount) else {
      throw RefusedCommand("script \(script.name) with \(keyCount) keys: it takes \(script.keyCount)")
    }
    let split = 3 + Int(keyCount)
    let context = ScriptContext(
      caller: self, keys: (3..<split).map(bytes), arguments: (split..<count).map(bytes))
    do {
      return try script.body(context)
    } catch let error as CacheError {
      // Redis names the script and its line, which only Lua knows.
      throw RedisFailure("\(error.message) script: \(script.digest), on @user_script:1.")
    }
  }
}

/// What a script's body works with.
private struct ScriptContext: CacheScriptContext {
  let caller: Invocation
  let keys: [[UInt8]]
  let arguments: [[UInt8]]

  func call(_ command: CacheCommand) throws -> CacheReply {
    guard !["MULTI", "EXEC", "DISCARD", "EVAL", "EVALSHA", "SCRIPT", "SELECT"].contains(command.name) else {
      throw RefusedCommand("\(command.name) inside a script")
    }
    return try caller.engine.run(command, caller.session, now: caller.now).get().throughLua
  }
}

extension CacheReply {
  /// The reply as a script sees it and gives it back: Lua's numbers are floating-point, exact up to 2^53. One that does
  /// not fit afterwards becomes the least, as on x86.
  fileprivate var throughLua: CacheReply {
    switch self {
    case .integer(let value): .integer(Int64(exactly: Double(value)) ?? .min)
    case .array(let elements): .array(elements.map(\.throughLua))
    default: self
    }
  }
}
