import ArgumentParser
import Explorer
import FoundationEssentials
import Inventory
import NIOCore
import Reporting
import Seams
import ServiceKit

/// `zoco bench cache`: what a cached value takes in bytes and time, against the same value as JSON.
struct BenchCache: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Encode and decode what the cache holds, against the same as JSON.",
    discussion: """
      One product's stock, and a list of fifty, are written and read over and over, by turns in the cache's format and as
      the JSON that the service answers with, by its own writer and reader. The fastest of several rounds counts.

      Example:
        zoco bench cache --rounds 7
      """)

  @Option(help: "Rounds; each takes about a second.")
  var rounds = 5

  func validate() throws {
    guard rounds >= 1 else { throw ValidationError("--rounds takes a number from 1 on") }
  }

  func run() throws {
    let one = BenchCache.items(1)
    let fifty = BenchCache.items(50)
    let id = one[0].productId
    var table = TextTable([
      ("a value", .left), ("bytes", .right), ("encode", .right), ("decode", .right),
    ])
    var ratios: [String] = []
    for (name, items) in [("one product", one), ("fifty products", fifty)] {
      let isOne = items.count == 1
      let binary = Format(
        encode: { isOne ? StockCoding.encode(items[0]) : StockCoding.encode(items) },
        decode: { bytes in isOne ? StockCoding.item(id, from: bytes).map { [$0] } : StockCoding.items(from: bytes) })
      let json = Format(encode: { BenchCache.json(items) }, decode: BenchCache.items(fromJSON:))
      let (baseline, cached) = try measure(json, binary, items)
      for (kind, result) in [("JSON (baseline)", baseline), ("the cache's format", cached)] {
        table.add([
          "\(name), \(kind)", Quantity.count(result.bytes), Quantity.duration(seconds: result.encode),
          Quantity.duration(seconds: result.decode),
        ])
      }
      let size = Quantity.fixed(Double(cached.bytes) / Double(baseline.bytes), 3)
      let encode = Quantity.fixed(cached.encode / baseline.encode, 3)
      let decode = Quantity.fixed(cached.decode / baseline.decode, 3)
      ratios.append("ratio, \(name): \(size) of JSON's bytes, \(encode) of its time to encode, \(decode) to decode")
    }
    print(table.text)
    for ratio in ratios { print(ratio) }
    print("machine: \(Machine.description)")
  }

  /// One way to write and read a value.
  private struct Format {
    var encode: () -> [UInt8]
    var decode: ([UInt8]) -> [StockItem]?
  }

  private struct Measurement {
    var bytes: Int
    /// Seconds for one value.
    var encode = Double.infinity
    var decode = Double.infinity
  }

  private func measure(
    _ baseline: Format, _ cached: Format, _ items: [StockItem]
  ) throws -> (baseline: Measurement, cached: Measurement) {
    let formats = [baseline, cached]
    var results = formats.map { Measurement(bytes: $0.encode().count) }
    for _ in 0..<rounds {
      for (index, format) in formats.enumerated() {
        let bytes = format.encode()
        guard format.decode(bytes) == items else { throw ValidationError("a value does not read back") }
        results[index].encode = min(results[index].encode, time { format.encode().count })
        results[index].decode = min(results[index].decode, time { format.decode(bytes)?.count ?? 0 })
      }
    }
    return (results[0], results[1])
  }

  /// Seconds that one call of `work` takes, over an eighth of a second. What it gives is added up, so that it is done.
  private func time(_ work: () -> Int) -> Double {
    var calls = 0
    var sum = 0
    let start = ContinuousClock.now
    var elapsed = Duration.zero
    while elapsed < .milliseconds(125) {
      for _ in 0..<500 { sum &+= work() }
      calls += 500
      elapsed = start.duration(to: .now)
    }
    precondition(sum > 0, "nothing was encoded")
    return elapsed / .seconds(1) / Double(calls)
  }

  private static func items(_ count: Int) -> [StockItem] {
    (1...count).map { number in
      StockItem(
        productId: InventorySeeder.productId(number), quantity: 1_000 - number, reserved: number * 3,
        version: 4_000 + number * 37)
    }
  }

  private static func json(_ items: [StockItem]) -> [UInt8] {
    var json = JSONWriter(capacity: 32 + items.count * 130)
    if items.count == 1 {
      write(items[0], to: &json)
    } else {
      json.object { json in json.member("items", in: items) { write($1, to: &$0) } }
    }
    return Array(json.buffer.readableBytesView)
  }

  private static func write(_ item: StockItem, to json: inout JSONWriter) {
    json.object { json in
      json.member("productId", item.productId)
      json.member("quantity", item.quantity)
      json.member("reserved", item.reserved)
      json.member("available", item.available)
      json.member("version", item.version)
    }
  }

  private static func items(fromJSON bytes: [UInt8]) -> [StockItem]? {
    guard let json = try? StrictJSON.parse(ByteBuffer(bytes: bytes)) else { return nil }
    return (json["items"]?.array ?? [json]).compactMap { item in
      guard let id = item["productId"]?.string.flatMap({ UUID(text: $0) }), let quantity = item["quantity"]?.integer,
        let reserved = item["reserved"]?.integer, let version = item["version"]?.integer
      else { return nil }
      return StockItem(productId: id, quantity: quantity, reserved: reserved, version: version)
    }
  }
}
