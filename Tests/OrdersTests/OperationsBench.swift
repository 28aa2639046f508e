import FoundationEssentials
import HTTPTypes
import InventoryAPI
import NIOCore
import Orders
import Seams
import ServiceKit
import SimulatedPostgres
import Testing

func letterId(_ number: Int) -> UUID {
  UUID(high: 0x1e77_e400_0000_8000, low: 0x8000_0000_0000_0000 | UInt64(number))
}

/// An answer that is a page, or is to be looked at as a text.
struct TextAnswer: Sendable, CustomStringConvertible {
  var status: Int
  var headers: HTTPFields
  var text: String

  var description: String { "\(status) \(headers) \(text.prefix(2_000))" }

  /// The value of an attribute, from the first tag that begins with `tag`.
  func attribute(_ name: String, of tag: String) -> String? {
    guard let start = text.firstRange(of: tag)?.lowerBound,
      let value = text[start...].firstRange(of: " \(name)=\"")?.upperBound
    else { return nil }
    return String(text[value...].prefix { $0 != "\"" })
  }
}

extension OrdersBench {
  /// Stores a dead letter; those with higher numbers died later.
  func bury(
    _ number: Int, cause: String, type: String = "NULL", history: String? = nil, subject: String = "NULL",
    body: String? = nil
  ) throws {
    let quoted = { (text: String) in "'" + text.replacing("'", with: "''") + "'" }
    let bytes = Array((body ?? "body \(number)").utf8).map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }.joined()
    try server.setUp(
      """
      INSERT INTO dead_letters (id, queue, type, subject, exchange, routing_key, body, attempts, reason, history, died_at)
      VALUES ('\(letterId(number).canonicalText)', '\(EventTopology.ordersInventoryEvents.name)',
        \(type == "NULL" ? type : quoted(type)), \(subject == "NULL" ? subject : quoted(subject)), 'inventory.events',
        'inventory.released', '\\x\(bytes)', 5, \(quoted(cause)),
        \(quoted(history ?? "attempt 1: \(cause)\n")), now() + interval '\(number) seconds')
      """)
  }

  /// Stores a stuck saga whose every text is `cause`.
  func strand(_ number: Int, cause: String) throws {
    let (id, text) = (letterId(number).canonicalText, "'" + cause.replacing("'", with: "''") + "'")
    try server.setUp(
      """
      INSERT INTO orders (id, user_id, status, total, currency, payment_token, failure_code, failure_detail,
        correlation_id, saga_state, saga_step, saga_ending, saga_refusals)
      VALUES ('\(id)', \(text), 'PAID', 1, 'EUR', 'x', \(text), \(text), '\(id)', 'stuck', 'refund', 'FAILED', 5);
      INSERT INTO saga_steps (order_id, step, status, attempts, error, ended_at)
      VALUES ('\(id)', 'refund', 'refused', 5, \(text), now())
      """)
  }

  /// Lets a saga turn round at its confirmation, and its release be refused so many times.
  func confirmIsRefusedAndSoIsTheRelease(refusals: Int) {
    inventory.confirmResults = [.notPending(.released)]
    inventory.releaseRefusals = refusals
  }
}

extension OrdersCaller {
  private func headers(_ roles: String?, _ more: HTTPFields) -> HTTPFields {
    var headers = more
    headers[HTTPField.Name("X-User-Roles")!] = roles
    return headers
  }

  /// Asks as an administrator, in JSON.
  func admin(
    _ method: HTTPRequest.Method, _ path: String, _ body: String = "", headers: HTTPFields = [:]
  ) async throws -> Answer {
    try await send(method, path, body, user: "root", headers: self.headers("admin", headers))
  }

  /// Asks for a page.
  func text(
    _ method: HTTPRequest.Method, _ path: String, roles: String? = "admin", headers: HTTPFields = [:]
  ) async throws -> TextAnswer {
    try await text(.make(method, path, headers: self.headers(roles, headers)))
  }

  /// Sends a form.
  func form(_ path: String, _ body: String, headers: HTTPFields = [:]) async throws -> TextAnswer {
    var request = HTTPRequestMessage.make(.post, path, headers: self.headers("admin", headers))
    request.head.headerFields[HTTPField.Name("X-User-Id")!] = "root"
    request.head.headerFields[.contentType] = "application/x-www-form-urlencoded"
    request.body = .bytes(ByteBuffer(string: body))
    return try await text(request)
  }

  private func text(_ request: HTTPRequestMessage) async throws -> TextAnswer {
    let answer = await service.handler.handle(request, from: HTTPPeer(address: "test"))
    return TextAnswer(
      status: answer.head.status.code, headers: answer.head.headerFields,
      text: String(buffer: try await answer.body.collect(upTo: 1 << 20)))
  }
}

extension Answer {
  /// The texts of a member of each of the elements of an array.
  func texts(_ array: String, _ member: String) -> [String] {
    guard case .array(let elements) = json[array] else { return [] }
    return elements.map { $0[member]?.string ?? "-" }
  }
}
