import Seams

/// One command that runs, and where it runs.
struct Invocation {
  let engine: RedisEngine
  let session: RedisSession
  let command: CacheCommand
  /// Milliseconds of the server's civil clock since 1970.
  let now: Int64

  var keyspace: Keyspace { engine.keyspace(session.database) }
  var count: Int { command.count }
  /// The name in lower case, as errors give it.
  var name: String { command.name.lowercased() }

  /// The bytes of an argument.
  func bytes(_ position: Int) -> [UInt8] { Array(command[position]) }

  /// An argument that is one of a few words, in capitals.
  func word(_ position: Int) -> String { String(decoding: command[position], as: UTF8.self).uppercased() }

  func integer(_ position: Int) throws -> Int64 {
    guard let value = Numbers.integer(command[position]) else { throw RedisFailure.notAnInteger }
    return value
  }

  /// What the key at `position` holds.
  func entry(_ position: Int = 1) -> Entry? { keyspace.entry(bytes(position), now: now) }

  /// The string at the key, `nil` for none.
  func string(_ position: Int = 1) throws -> [UInt8]? {
    guard let entry = entry(position) else { return nil }
    guard case .string(let bytes) = entry.value else { throw RedisFailure.wrongType }
    return bytes
  }

  func bulk(_ bytes: [UInt8]?) -> CacheReply { bytes.map { .bytes($0) } ?? .null }

  func flag(_ value: Bool) -> CacheReply { .integer(value ? 1 : 0) }
}

extension CacheReply {
  static let ok = CacheReply.status("OK")
}

/// What a command takes and does.
struct CommandSpecification: Sendable {
  var arity: Arity
  var run: @Sendable (Invocation) throws -> CacheReply

  init(arity: Int, run: @escaping @Sendable (Invocation) throws -> CacheReply) {
    self.arity = Arity(arity)
    self.run = run
  }

  static let all: [String: CommandSpecification] = strings.merging(keys) { $1 }.merging(hashes) { $1 }
    .merging(sortedSets) { $1 }.merging(server) { $1 }
}

/// How many arguments a command takes, its name included; at least so many, when negative.
struct Arity: Sendable {
  private let number: Int

  init(_ number: Int) { self.number = number }

  func accepts(_ count: Int) -> Bool { number < 0 ? count >= -number : count == number }
}
