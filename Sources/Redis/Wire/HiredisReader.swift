internal import CHiredis
internal import Seams

/// The one owner of a `redisReader`: takes in bytes, gives out replies. Its `deinit` frees the reader; neither pointer
/// nor `redisReply` leaves this type.
///
/// Not safe for use by two threads at once: a connection uses it under its lock, a connect attempt on its own thread
/// before that. `@unchecked Sendable`: only so that it can be handed from the one to the other.
final class HiredisReader: @unchecked Sendable {
  private let pointer: UnsafeMutablePointer<redisReader>

  init() {
    guard let pointer = redisReaderCreate() else { preconditionFailure("no memory left for a reply reader") }
    self.pointer = pointer
  }

  deinit { redisReaderFree(pointer) }

  /// Takes in what the socket gave.
  ///
  /// - Throws: ``CacheError`` `protocolViolated` when no more can be read.
  func feed(_ bytes: UnsafeRawBufferPointer) throws {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    guard redisReaderFeed(pointer, base.assumingMemoryBound(to: CChar.self), bytes.count) == REDIS_OK else {
      throw failure
    }
  }

  /// The next reply; `nil` when not all of it is there.
  ///
  /// - Throws: ``CacheError`` `protocolViolated` when what is there is no reply.
  func next() throws -> CacheReply? {
    var reply: UnsafeMutableRawPointer?
    guard redisReaderGetReply(pointer, &reply) == REDIS_OK else { throw failure }
    guard let reply else { return nil }
    defer { freeReplyObject(reply) }
    return HiredisReader.reply(reply.assumingMemoryBound(to: redisReply.self).pointee)
  }

  private var failure: CacheError {
    let text = withUnsafeBytes(of: pointer.pointee.errstr) { raw in
      String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
    return CacheError(.protocolViolated, message: "not an answer of Redis: \(text)")
  }

  /// A copy in Swift. hiredis 0.14 itself refuses arrays nested deeper than seven levels.
  private static func reply(_ reply: redisReply) -> CacheReply {
    switch reply.type {
    case REDIS_REPLY_INTEGER: return .integer(reply.integer)
    case REDIS_REPLY_NIL: return .null
    case REDIS_REPLY_STATUS: return .status(String(decoding: bytes(reply), as: UTF8.self))
    case REDIS_REPLY_ERROR: return .error(CacheError(server: String(decoding: bytes(reply), as: UTF8.self)))
    case REDIS_REPLY_ARRAY:
      let elements = UnsafeBufferPointer(start: reply.element, count: Int(reply.elements))
      return .array(elements.map { $0.map { HiredisReader.reply($0.pointee) } ?? .null })
    default: return .bytes(Array(bytes(reply)))
    }
  }

  private static func bytes(_ reply: redisReply) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: reply.str, count: Int(reply.len))
  }
}
