import OrderedCollections
import Seams
import SimulationKernel

extension CommandSpecification {
  /// Redis manual, "Hash" commands.
  static var hashes: [String: CommandSpecification] {
    [
      "HSET": Self(arity: -4) { try $0.setFields() },
      "HGET": Self(arity: 3) { $0.bulk(try $0.fields()[$0.bytes(2)]) },
      "HMGET": Self(arity: -3) { call in
        let fields = try call.fields()
        return .array((2..<call.count).map { call.bulk(fields[call.bytes($0)]) })
      },
      "HGETALL": Self(arity: 2) { try $0.allFields() },
      "HDEL": Self(arity: -3) { try $0.deleteFields() },
      "HINCRBY": Self(arity: 4) { try $0.addToField() },
      "HEXISTS": Self(arity: 3) { $0.flag(try $0.fields()[$0.bytes(2)] != nil) },
      "HLEN": Self(arity: 2) { .integer(Int64(try $0.fields().count)) },
    ]
  }
}

extension Invocation {
  fileprivate func fields() throws -> OrderedDictionary<[UInt8], [UInt8]> {
    guard let entry = entry() else { return [:] }
    guard case .hash(let fields) = entry.value else { throw RedisFailure.wrongType }
    return fields
  }

  fileprivate func setFields() throws -> CacheReply {
    guard count % 2 == 0 else { throw RedisFailure.arity(name) }
    let created = try keyspace.withHash(bytes(1), creating: true, now: now) { hash in
      stride(from: 2, to: count, by: 2).count { hash.updateValue(bytes($0 + 1), forKey: bytes($0)) == nil }
    }
    return .integer(Int64(created ?? 0))
  }

  /// In an order drawn from the seed: Redis promises none.
  fileprivate func allFields() throws -> CacheReply {
    var generator = EntropyGenerator(engine.entropy)
    let fields = try fields().map { ($0.key, $0.value) }.shuffled(using: &generator)
    return .array(fields.flatMap { [.bytes($0.0), .bytes($0.1)] })
  }

  fileprivate func deleteFields() throws -> CacheReply {
    let removed = try keyspace.withHash(bytes(1), creating: false, now: now) { hash in
      (2..<count).count { hash.removeValue(forKey: bytes($0)) != nil }
    }
    return .integer(Int64(removed ?? 0))
  }

  fileprivate func addToField() throws -> CacheReply {
    let amount = try integer(3)
    let field = bytes(2)
    let sum = try keyspace.withHash(bytes(1), creating: true, now: now) { hash -> Int64 in
      guard let value = hash[field].map({ Numbers.integer($0) }) ?? 0 else {
        throw RedisFailure("ERR hash value is not an integer")
      }
      let (sum, overflow) = value.addingReportingOverflow(amount)
      guard !overflow else { throw RedisFailure.overflow }
      hash[field] = Array(String(sum).utf8)
      return sum
    }
    return .integer(sum ?? 0)
  }
}
