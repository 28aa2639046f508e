import FoundationEssentials
import HTTPLive
import HTTPTypes
import InventoryAPI
import Logging
import NIOCore
import Orders
import Payments
import Postgres
import Seams
import SeamsLive
import ServiceKit

/// The orders service over a live database with something of everything in it, behind what the gateway will be: it says
/// that the browser's user is an administrator.
struct LiveOperations: Sendable {
  let browser: Browser
  let database: LiveDatabase

  /// What a person sees of the page in a browser at the end of `body`'s doings.
  static func run(isEmpty: Bool = false, _ body: @escaping @Sendable (LiveOperations) async throws -> Void) async throws
  {
    try await LiveDatabase.with { database in
      let migrator = Migrator(
        migrations: try OrdersMigrations.load(), connector: database.connector, environment: .live)
      try await migrator.up(deadline: LiveDatabase.soon())
      if !isEmpty { try await fill(database) }
      let transport = LiveHTTPTransport(clock: database.clock)
      let peer = ServicePeer(
        name: "nobody", address: ServiceAddress(authority: "127.0.0.1:9"), transport: transport, environment: .live,
        tokens: SharedSecretTokens(secret: Secret("a token that nobody reads")))
      let service = OrdersService(
        environment: .live, connector: database.connector, inventory: HTTPInventoryClient(peer: peer),
        payments: HTTPPaymentProvider(peer: peer))
      let outcome: Result<Void, any Error>
      do {
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await service.run() }
          let server = LiveHTTPServer(handler: Doorkeeper(base: service.handler), logger: .silent)
          try await server.withRunningServer { address in
            try await body(LiveOperations(browser: Browser(address: address), database: database))
          }
          await service.shutdown(deadline: LiveDatabase.soon())
          try await group.waitForAll()
        }
        outcome = .success(())
      } catch {
        outcome = .failure(error)
      }
      try await transport.shutdown()
      try outcome.get()
    }
  }

  private static func fill(_ database: LiveDatabase) async throws {
    let connection = try await database.connector.connect(deadline: LiveDatabase.soon())
    defer { connection.close() }
    try await connection.executeScript(sagas + letters + outbox, deadline: LiveDatabase.soon())
  }

  /// Leases last, so that the service leaves the sagas as they are.
  private static let sagas = """
    INSERT INTO orders (id, user_id, status, total, currency, payment_token, failure_code, failure_detail, correlation_id,
      created_at, updated_at, saga_state, saga_step, saga_ending, saga_refusals, lease_until)
    VALUES
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'ada', 'PAID', 3370, 'EUR', 'tok_ok', 'reservation_expired',
        'The reservation''s time ran out before it was confirmed.', '01a21e5d-0001-7fc9-878b-6f7ae7723e00',
        now() - interval '3 hours 12 minutes', now(), 'stuck', 'refund', 'FAILED', 5, NULL),
      ('01a21e5d-0002-7fc9-878b-6f7ae7723e75', 'grace', 'RESERVED', 1200, 'EUR', 'tok_slow', NULL, NULL,
        '01a21e5d-0002-7fc9-878b-6f7ae7723e00', now() - interval '21 seconds', now(), 'forward', 'charge', NULL, 0,
        now() + interval '9 minutes'),
      ('01a21e5d-0003-7fc9-878b-6f7ae7723e75', 'alan', 'PAID', 99900, 'EUR', 'tok_ok', NULL, NULL,
        '01a21e5d-0003-7fc9-878b-6f7ae7723e00', now() - interval '75 seconds', now(), 'compensating', 'refund', 'CANCELLED', 2,
        now() + interval '25 minutes'),
      ('01a21e5d-0004-7fc9-878b-6f7ae7723e75', 'edsger', 'FAILED', 4990, 'EUR', 'tok_declined', 'payment_declined',
        'The card was declined.', '01a21e5d-0004-7fc9-878b-6f7ae7723e00', now() - interval '2 days', now() - interval '2 days', 'done', 'release',
        'FAILED', 0, NULL);
    INSERT INTO saga_steps (order_id, step, status, attempts, error, started_at, ended_at)
    VALUES
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'reserve', 'done', 1, NULL, now() - interval '3 hours 12 minutes', now()),
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'charge', 'done', 2, NULL, now() - interval '3 hours 11 minutes', now()),
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'confirm', 'refused', 1,
        'reservation_expired: The reservation''s time ran out before it was confirmed.',
        now() - interval '3 hours 10 minutes', now()),
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'refund', 'refused', 5,
        'payment_not_found: The provider does not know 0199c2f4-7a10-7e3b-9c55-0242ac120002.',
        now() - interval '3 hours 9 minutes', now()),
      ('01a21e5d-0003-7fc9-878b-6f7ae7723e75', 'refund', 'failed', 3,
        'upstream_unavailable: the connection to payments-service:8090 was refused', now(), now());
    INSERT INTO order_history (order_id, status, at)
    VALUES
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'PENDING', now() - interval '3 hours 12 minutes'),
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'RESERVED', now() - interval '3 hours 11 minutes'),
      ('01a21e5d-0001-7fc9-878b-6f7ae7723e75', 'PAID', now() - interval '3 hours 10 minutes');

    """

  /// The second tries to take the page over, the third is no text, the fourth has one word that fits in no line.
  private static let letters = #"""
    INSERT INTO dead_letters (id, queue, event_id, type, subject, correlation_id, exchange, routing_key, content_type, body,
      attempts, reason, history, died_at)
    VALUES
      ('1e77e400-0000-8000-8000-000000000001', 'orders.inventory-events', '0199c2f4-7a12-7c01-8f00-5d2e9b1c4a02',
        'InventoryReleased', '0199c2f4-7a10-7e3b-9c55-0242ac120002', '5b0f3c1e-9a55-4f0e-8a3e-2f6f0c7d9e10',
        'inventory.events', 'inventory.released', 'application/cloudevents+json',
        convert_to('{"specversion":"1.0","id":"0199c2f4-7a12-7c01-8f00-5d2e9b1c4a02","source":"urn:zoco:inventory",'
          || '"type":"InventoryReleased","data":{"reason":"expired"}}', 'UTF8'), 5, 'its data names no order',
        E'attempt 1: its data names no order\nattempt 2: its data names no order\ntried again by ada\n'
          || E'attempt 1: its data names no order\n', now() - interval '3 minutes'),
      ('1e77e400-0000-8000-8000-000000000002', 'orders.inventory-events', NULL,
        '<script>document.title="owned"</script>', '"><img src=x onerror=document.title="owned">', NULL,
        'inventory.events', '</style><script>document.title="owned"</script>', NULL,
        convert_to('</pre><script>document.title="owned"</script><svg onload=document.title="owned">', 'UTF8'), 1,
        'it is no event: "><script>document.title="owned"</script>', '<iframe src=javascript:alert(1)>',
        now() - interval '2 hours 10 minutes'),
      ('1e77e400-0000-8000-8000-000000000003', 'orders.inventory-events', NULL, NULL, NULL, NULL, 'inventory.events',
        'inventory.released', NULL, '\xff00deadbeef', 1, 'it is no event: line 1, column 1: unexpected byte', '',
        now() - interval '1 day 4 hours'),
      ('1e77e400-0000-8000-8000-000000000004', 'orders.inventory-events', '0199c2f4-7a12-7c01-8f00-5d2e9b1c4a04',
        'StockReplenished', repeat('subject', 40), NULL, 'inventory.events', repeat('routing', 30), NULL,
        convert_to(repeat('x', 3000), 'UTF8'), 5, 'server ERROR 40P01: ' || repeat('deadlock', 60), '',
        now() - interval '5 days');

    """#

  private static let outbox = """
    INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data, refused_at, refusal)
    VALUES
      ('0199c2f4-7a12-7c01-8f00-5d2e9b1c4b01', 'OrderCreated', '01a21e5d-0002-7fc9-878b-6f7ae7723e75', 1, 1,
        now() - interval '4 minutes', '5b0f3c1e-9a55-4f0e-8a3e-2f6f0c7d9e10', '{}', NULL, NULL),
      ('0199c2f4-7a12-7c01-8f00-5d2e9b1c4b02', 'OrderFailed', '01a21e5d-0004-7fc9-878b-6f7ae7723e75', 2, 2,
        now() - interval '2 days', '5b0f3c1e-9a55-4f0e-8a3e-2f6f0c7d9e10', '{}', now() - interval '2 days',
        'the broker refused it: 311 content too large');
    """
}

/// Plays the gateway, and measures pages.
private struct Doorkeeper: HTTPHandler {
  let base: any HTTPHandler

  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    var request = request
    request.head.headerFields[HTTPField.Name("X-User-Id")!] = "root"
    request.head.headerFields[HTTPField.Name("X-User-Roles")!] = "admin"
    var response = await base.handle(request, from: peer)
    guard let path = request.head.path, let script = Self.script(path) else { return response }
    do {
      let page = String(buffer: try await response.body.collect(upTo: 1 << 20))
      response.head.headerFields[.contentSecurityPolicy] = nil
      response.head.headerFields[.contentLength] = nil
      response.body = .bytes(ByteBuffer(string: page + "<script>\(script)</script>"))
    } catch {
      response.head.status = .internalServerError
    }
    return response
  }

  /// What is done on a page in the place of a person, who needs no script: the page's policy is taken away for it.
  private static func script(_ path: String) -> String? {
    if path.contains("probe=size") {
      return """
        const root = document.documentElement
        root.dataset.sizes = innerWidth + " " + root.scrollWidth
        root.dataset.small = [...document.querySelectorAll("a.button, button")]
          .filter(b => b.getBoundingClientRect().height < 40).length
        """
    }
    if path.contains("probe=submit") {
      return """
        const reason = document.querySelector("textarea")
        if (reason) reason.value = "known & \\"harmless\\""
        document.forms[0].requestSubmit()
        """
    }
    return nil
  }
}
