import ArgumentParser
import Explorer
import Foundation
import Reporting

/// `zoco bench orders`: orders a second over HTTP while their sagas run, against pgbench with the inserting transaction.
struct BenchOrders: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "orders",
    abstract: "POST /orders over HTTP, with sagas running, against pgbench with the inserting transaction alone.",
    discussion: """
      Runs orders, inventory and the payments sandbox as processes of their own, which call each other over HTTP, with
      two databases of one real PostgreSQL: client, services and server share this machine. First keep-alive connections
      create orders as fast as they are answered (the closed loop); then orders arrive at random at half of that rate
      (the open loop), and their latency counts from the moment they were due. Every order's saga reserves, charges and
      confirms meanwhile, and after each phase the rest of them is waited for. Without a broker events stay in the outbox.

      Before and after that, pgbench (-M prepared -c 20 -j 1, Benchmarks/pgbench/create-order.sql) inserts the same rows
      on the same server, one order a transaction and without sagas; its rate is the mean of the two. The orders stored
      are compared with the answers given.

      ./zoco bench orders starts the server, with fsync and synchronous_commit on, and removes it afterwards.

      Example:
        ./zoco bench orders --seconds 20 --connections 128
      """)

  @Option(help: "Length of each phase and of each run of pgbench, in seconds.")
  var seconds = 20

  @Option(help: "Keep-alive connections of the HTTP client.")
  var connections = 128

  @Option(help: "The folder of the pgbench scripts.")
  var scripts = "Benchmarks/pgbench"

  @Flag(help: ArgumentHelp("Check the other arguments and do nothing else.", visibility: .hidden))
  var onlyCheck = false

  private static let products = 10_000
  /// Of pgbench's rate, at least.
  private static let targetRatio = 0.5
  /// Of the open loop's p95, below.
  private static let targetMilliseconds = 200.0

  func validate() throws {
    guard (1...600).contains(seconds) else { throw ValidationError("--seconds takes a number from 1 to 600") }
    guard (1...1000).contains(connections) else { throw ValidationError("--connections takes a number from 1 to 1000") }
  }

  func run() throws {
    if onlyCheck { return }
    let orders = try BenchDatabase(of: "orders", scripts: scripts)
    let inventory = try BenchDatabase(of: "inventory", scripts: scripts)
    for database in [orders, inventory] {
      try database.create()
      try database.seed(products: Self.products)
    }
    print(try orders.settings())
    print("machine: \(Machine.description), load average \(Machine.load) at the start")
    var baseline = [try pgbench(orders)]
    try orders.run("orders-setup.sql", products: Self.products)
    let (closed, open, stored) = try serve(orders, inventory)
    try orders.run("orders-setup.sql", products: Self.products)
    baseline.append(try pgbench(orders))
    report(baseline, closed, open)
    print(stored)
  }

  private func pgbench(_ orders: BenchDatabase) throws -> Double {
    say("pgbench…")
    return try orders.pgbench("create-order.sql", products: Self.products, seconds: seconds)
  }

  private func serve(
    _ orders: BenchDatabase, _ inventory: BenchDatabase
  ) throws -> (closed: OrdersDeployment.Phase, open: OrdersDeployment.Phase, stored: String) {
    let deployment = try OrdersDeployment(orders: orders, inventory: inventory)
    defer { deployment.stop() }
    let client = KeepAliveClient(port: deployment.port, connections: connections, status: 202)
    var requests = OrderRequests(products: Self.products, port: deployment.port, token: deployment.token)
    say("the closed loop…")
    let warmUp = try client.run(seconds: 2) { requests.append(to: &$0) }
    let closed = try deployment.measure {
      try client.run(seconds: Double(seconds)) { requests.append(to: &$0) }
    }
    say("the open loop…")
    let open = try deployment.measure {
      try client.run(seconds: Double(seconds), rate: closed.outcome.rate / 2) { requests.append(to: &$0) }
    }
    let outcomes = [warmUp, closed.outcome, open.outcome]
    return (closed, open, try deployment.check(outcomes))
  }

  private func report(_ baseline: [Double], _ closed: OrdersDeployment.Phase, _ open: OrdersDeployment.Phase) {
    let pgbench = baseline.reduce(0, +) / Double(baseline.count)
    var table = TextTable([
      ("creating orders", .left), ("per second", .right), ("p50 ms", .right), ("p95 ms", .right), ("p99 ms", .right),
    ])
    table.add(["pgbench -M prepared -c 20 -j 1 (baseline)", Quantity.number(pgbench), "", "", ""])
    let phases = [("closed loop, \(connections) connections", closed), ("open loop at half of that", open)]
    for (name, phase) in phases {
      let times = [50.0, 95.0, 99.0].map { Quantity.fixed(phase.outcome.milliseconds(atPercentile: $0), 1) }
      table.add(["POST /orders, \(name)", Quantity.number(phase.outcome.rate)] + times)
    }
    print(table.text)
    print("pgbench before and after: \(baseline.map(Quantity.number).joined(separator: " and ")) per second")
    let ratio = closed.outcome.rate / pgbench
    let p95 = open.outcome.milliseconds(atPercentile: 95)
    print(
      "ratio: \(Quantity.fixed(ratio, 2)) × pgbench (target: at least \(Quantity.number(Self.targetRatio)),",
      verdict(ratio >= Self.targetRatio) + "; the aim is 1)")
    print(
      "p95 at half the rate: \(Quantity.fixed(p95, 1)) ms (target: under \(Quantity.number(Self.targetMilliseconds)) ms,",
      verdict(p95 < Self.targetMilliseconds) + ")")
    for (name, phase) in [("closed loop", closed), ("open loop", open)] { print("\(name): \(phase.description)") }
  }

  private func verdict(_ isMet: Bool) -> String { isMet ? "met" : "missed" }

  private func say(_ what: String) { FileHandle.standardError.write(Data("\(what)\n".utf8)) }
}

/// The requests of the bench: one unit of a product drawn evenly, for one of a thousand users, each with a key of its own.
struct OrderRequests {
  private let products: Int
  private let head: String
  private var generator = SystemRandomNumberGenerator()

  init(products: Int, port: UInt16, token: String) {
    self.products = products
    head = """
      POST /orders HTTP/1.1\r
      Host: 127.0.0.1:\(port)\r
      Authorization: Bearer \(token)\r
      Content-Type: application/json\r
      Content-Length: \(Self.body(product: 1).utf8.count)\r

      """
  }

  mutating func append(to buffer: inout [UInt8]) {
    let user = Int.random(in: 1...1000, using: &generator)
    let product = Int.random(in: 1...products, using: &generator)
    buffer += head.utf8
    buffer += "X-User-Id: user-\(user)\r\nIdempotency-Key: \(UUID().uuidString)\r\n\r\n".utf8
    buffer += Self.body(product: product).utf8
  }

  /// The products are those of `zocod seed`.
  private static func body(product: Int) -> String {
    let digits = String(product, radix: 16)
    let id = "20c00000-0000-8000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    return #"{"items":[{"productId":"\#(id)","quantity":1}],"paymentToken":"tok_ok"}"#
  }
}
