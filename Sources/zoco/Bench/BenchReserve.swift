import ArgumentParser
import Explorer
import Foundation
import Reporting

/// `zoco bench reserve`: reservations a second over HTTP, against pgbench running the same transaction.
struct BenchReserve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reserve",
    abstract: "POST /inventory/reserve over HTTP against pgbench with the same transaction on the same server.",
    discussion: """
      Runs the inventory service as a process of its own on a real PostgreSQL and reserves one unit a request from 64
      keep-alive connections; then lets pgbench (-M prepared -c 20 -j 1, Benchmarks/pgbench/reserve.sql) run the
      equivalent transaction on the same server: once on 10,000 products, once on one hot product. The two take turns;
      rates are means over the turns, latencies those of the slowest turn. The units reserved are compared with the answers given.

      ./zoco bench reserve starts the server, with fsync and synchronous_commit on, and removes it afterwards.

      Example:
        ./zoco bench reserve --seconds 10 --turns 2
      """)

  @Option(help: "Length of each turn, in seconds.")
  var seconds = 10

  @Option(help: "Turns of each side.")
  var turns = 2

  @Option(help: "Keep-alive connections of the HTTP client.")
  var connections = 64

  @Option(help: "The folder of the pgbench scripts.")
  var scripts = "Benchmarks/pgbench"

  @Flag(help: ArgumentHelp("Check the other arguments and do nothing else.", visibility: .hidden))
  var onlyCheck = false

  func validate() throws {
    guard (1...600).contains(seconds) else { throw ValidationError("--seconds takes a number from 1 to 600") }
    guard (1...20).contains(turns) else { throw ValidationError("--turns takes a number from 1 to 20") }
    guard (1...1000).contains(connections) else { throw ValidationError("--connections takes a number from 1 to 1000") }
  }

  func run() throws {
    if onlyCheck { return }
    let database = try BenchDatabase(of: "inventory", scripts: scripts)
    try database.create()
    print(try database.settings())
    print("machine: \(Machine.description)")
    for products in [10_000, 1] {
      try compare(products: products, on: database)
    }
  }

  private func compare(products: Int, on database: BenchDatabase) throws {
    var baseline: [Double] = []
    var served: [KeepAliveClient.Outcome] = []
    for turn in 1...turns {
      FileHandle.standardError.write(Data("\(title(products)), turn \(turn) of \(turns)…\n".utf8))
      try database.run("setup.sql", products: products)
      baseline.append(try database.pgbench("reserve.sql", products: products, seconds: seconds))
      try database.run("setup.sql", products: products)
      served.append(try serve(products: products, database))
    }
    let pgbench = baseline.reduce(0, +) / Double(turns)
    let rate = served.map(\.rate).reduce(0, +) / Double(turns)
    var table = TextTable([
      (title(products), .left), ("per second", .right), ("p50 ms", .right),
      ("p95 ms", .right), ("p99 ms", .right),
    ])
    table.add(["pgbench -M prepared -c 20 -j 1 (baseline)", Quantity.number(pgbench), "", "", ""])
    table.add(
      ["POST /inventory/reserve, \(connections) connections", Quantity.number(rate)]
        + [50.0, 95.0, 99.0].map { percentile in
          Quantity.fixed(served.map { $0.milliseconds(atPercentile: percentile) }.max() ?? 0, 1)
        })
    print(table.text)
    print("ratio: \(Quantity.fixed(rate / pgbench, 2)) × pgbench\n")
  }

  private func title(_ products: Int) -> String { products == 1 ? "one hot product" : "\(products) products" }

  private func serve(products: Int, _ database: BenchDatabase) throws -> KeepAliveClient.Outcome {
    let service = try ServiceProcess("inventory", ["DATABASE_URL": database.url])
    defer { service.stop() }
    let client = KeepAliveClient(port: service.port, connections: connections)
    var requests = ReserveRequests(products: products, port: service.port)
    let warmUp = try client.run(seconds: 1) { requests.append(to: &$0) }
    let outcome = try client.run(seconds: Double(seconds)) { requests.append(to: &$0) }
    let stored = Int(try database.query("SELECT sum(reserved) FROM inventory_items")) ?? -1
    let answered = warmUp.succeeded + outcome.succeeded
    guard stored == answered, outcome.refused.isEmpty else {
      throw KeepAliveClient.Failure(
        description: "\(answered) reservations were answered and \(stored) stored; other statuses: \(outcome.refused)")
    }
    return outcome
  }
}

/// The requests of the bench: a new order each, one unit of a product drawn evenly.
struct ReserveRequests {
  private let products: Int
  private let head: [UInt8]
  private var generator = SystemRandomNumberGenerator()

  init(products: Int, port: UInt16) {
    self.products = products
    let bodyLength = Self.body(order: UUID(), product: 1).count
    head = Array(
      """
      POST /inventory/reserve HTTP/1.1\r
      Host: 127.0.0.1:\(port)\r
      Content-Type: application/json\r
      Content-Length: \(bodyLength)\r
      \r

      """.utf8)
  }

  mutating func append(to buffer: inout [UInt8]) {
    buffer.append(contentsOf: head)
    let product = Int.random(in: 1...products, using: &generator)
    buffer.append(contentsOf: Self.body(order: UUID(), product: product))
  }

  private static func body(order: UUID, product: Int) -> [UInt8] {
    let digits = String(product, radix: 16)
    let tail = String(repeating: "0", count: 12 - digits.count) + digits
    return Array(
      #"{"orderId":"\#(order.uuidString)","productId":"00000000-0000-4000-8000-\#(tail)","quantity":1}"#.utf8)
  }
}
