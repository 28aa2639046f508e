/// A script that the server runs as one step, and what it does in Swift.
///
/// The Lua source is what runs on Redis. The body is what the simulated Redis runs in its place: it must do the same
/// calls and give the same reply, which the differential suite judges. Neither side runs any other script: a script is
/// made once, named, and registered in a list that both get.
public struct CacheScript: Sendable {
  /// What the script does, called in Swift.
  public typealias Body = @Sendable (any CacheScriptContext) throws -> CacheReply

  /// The script's name, for logs and errors.
  public let name: String
  /// The Lua source.
  public let source: String
  /// How many keys it takes. A script touches no key but these.
  public let keyCount: Int
  /// SHA-1 of the source in hexadecimal: how Redis names scripts.
  public let digest: String
  /// The same in Swift.
  public let body: Body

  /// A script.
  public init(name: String, keyCount: Int, source: String, body: @escaping Body) {
    self.name = name
    self.source = source
    self.keyCount = keyCount
    self.body = body
    digest = SHA1.hexadecimal(of: Array(source.utf8))
  }
}

/// What a script's body works with: Lua's `KEYS`, `ARGV` and `redis`.
public protocol CacheScriptContext {
  /// The keys, as many as the script takes.
  var keys: [[UInt8]] { get }
  /// The further arguments.
  var arguments: [[UInt8]] { get }

  /// Runs a command, as `redis.call` does.
  ///
  /// - Throws: ``CacheError`` that the command failed with; a body lets it pass.
  func call(_ command: CacheCommand) throws -> CacheReply
}
