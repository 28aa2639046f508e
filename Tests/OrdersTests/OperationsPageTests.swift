import FoundationEssentials
import HTTPTypes
import InventoryAPI
import Orders
import Seams
import ServiceKit
import SimulatedNetwork
import SimulatedPostgres
import SimulatedRabbitMQ
import SimulationKernel
import Testing

/// The page at `/admin/`.
@Suite struct OperationsPageTests {
  private static let hostile: [String] = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "{{frame.nonce}}",
    "{{{cause}}}", "</style><script>alert(1)</script>", "</textarea></pre><svg onload=alert(1)>", "&lt;script&gt;",
    // A quotation mark with an accent is one character, and still ends an attribute.
    "\"\u{301} onfocus=alert(1) autofocus=\"\u{301}", "<\u{20D2}script>", "\u{202E}gnp.exe", "javascript:alert(1)",
    "%3Cscript%3E", "<!--", "]]>",
  ]

  /// Every text that comes from outside, put everywhere where one is shown.
  @Test(arguments: hostile) func noPayloadGetsOutOfItsPlace(_ payload: String) throws {
    let bench = try OrdersBench()
    try bench.bury(1, cause: payload, type: payload, history: payload + "\n", subject: payload, body: payload)
    try bench.server.setUp(
      """
      INSERT INTO outbox (id, type, subject, sequence, shard, time, correlation_id, data, refused_at, refusal)
      VALUES ('\(letterId(7).canonicalText)', 'X', 'S', 1, 1, now(), '\(letterId(7).canonicalText)', '{}', now(),
        '\(payload.replacing("'", with: "''"))')
      """)
    try bench.strand(8, cause: payload)
    bench.run { callers in
      let id = letterId(1).canonicalText
      let order = letterId(8).canonicalText
      let escaped = Self.escaped(payload)
      for path in [
        "/admin/", "/admin/page/letters/\(id)", "/admin/confirm?action=retry-letter&id=\(id)",
        "/admin/confirm?action=discard-letter&id=\(id)", "/admin/confirm?action=retry-all",
        "/admin/page/sagas/\(order)", "/admin/confirm?action=retry-saga&id=\(order)",
      ] {
        let page = try await callers[0].text(.get, path)
        check(page.status == 200 && page.text.contains(escaped), "\(path): \(page)")
        let tags = Self.tags(of: page.text)
        check(tags.isSubset(of: Self.ownTags), "\(path): \(tags.subtracting(Self.ownTags))")
        check(
          Self.attributes(of: page.text).isSubset(of: Self.ownAttributes), "\(path): \(Self.attributes(of: page.text))")
        check(!page.text.unicodeScalars.contains("\u{202E}"))
      }
    }
  }

  /// What a link says cannot get into the page, but for what it names by a code.
  @Test func aLinkPutsNoWordsIntoThePage() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      for query in [
        "?done=%3Cscript%3E", "?done=all&retried=%3Cb%3Ehello", "?letters=%22%3E%3Cscript%3E", "?hello=hello",
        "?done=hello",
      ] {
        let page = try await callers[0].text(.get, "/admin/" + query)
        check(page.status == 200 && !page.text.contains("hello") && !page.text.contains("<script"), "\(page)")
      }
      let wrong = try await callers[0].text(.get, "/admin/confirm?action=%3Cscript%3E&id=hello")
      check(wrong.status == 400 && !wrong.text.contains("<script") && !wrong.text.contains("hello"), "\(wrong)")
    }
  }

  @Test func aPageLoadsNothingRunsNothingAndIsNotKept() throws {
    let bench = try OrdersBench()
    try bench.bury(1, cause: "so")
    bench.run { callers in
      var nonces: Set<String> = []
      for path in ["/admin/", "/admin/confirm?action=retry-all", "/admin/page/letters/\(letterId(9).canonicalText)"] {
        let page = try await callers[0].text(.get, path)
        let policy = page.headers[.contentSecurityPolicy] ?? ""
        let nonce = page.attribute("nonce", of: "<style") ?? ""
        check(policy.hasPrefix("default-src 'none'; style-src 'nonce-\(nonce)'; form-action 'self'"), policy)
        check(policy.contains("frame-ancestors 'none'"))
        nonces.insert(nonce)
        check(page.headers[.xContentTypeOptions] == "nosniff" && page.headers[.cacheControl] == "no-store")
        check(page.headers[HTTPField.Name("Referrer-Policy")!] == "no-referrer")
        check(page.headers[.contentType] == "text/html; charset=utf-8")
        for word in ["<script", "http://", "https://", " src=", "@import", "url(", "<link", " style="] {
          check(!page.text.contains(word), "\(path) has \(word)")
        }
        check(page.text.contains("name=\"viewport\" content=\"width=device-width"))
      }
      check(nonces.count == 3)
    }
  }

  @Test func anEmptyPageSaysThatAllIsWell() throws {
    let bench = try OrdersBench()
    bench.run { callers in
      let page = try await callers[0].text(.get, "/admin/")
      check(page.text.contains("<title>All well · Zoco operations</title>"), "\(page)")
      for text in ["No message waits", "No saga is stuck", "No order is on its way", "No order has failed"] {
        check(page.text.contains(text), "there is no \"\(text)\"")
      }
      check(!page.text.contains("Retry all"))
    }
  }

  @Test func olderLettersAreOnFurtherPages() throws {
    let bench = try OrdersBench()
    for number in 1...45 { try bench.bury(number, cause: "cause \(number).") }
    bench.run { callers in
      var path = "/admin/"
      var seen: [Int] = []
      for _ in 0..<3 {
        let page = try await callers[0].text(.get, path)
        check(page.text.contains("Retry all 45"))
        seen += (1...45).filter { page.text.contains("cause \($0).") }.reversed()
        path = (page.attribute("href", of: "<p class=\"more\"") ?? "").replacing("#letters", with: "")
      }
      check(seen == Array((1...45).reversed()), "\(seen)")
      check(path.isEmpty || !path.hasPrefix("/admin/?letters"), path)
    }
  }

  // MARK: - Forms

  @Test func aLetterIsDiscardedByWayOfItsQuestion() throws {
    let bench = try OrdersBench()
    try bench.bury(1, cause: "so", type: "InventoryReleased")
    bench.run { callers in
      let caller = callers[0]
      let question = try await caller.text(
        .get, "/admin/confirm?action=discard-letter&id=\(letterId(1).canonicalText)")
      check(question.text.contains("InventoryReleased") && question.text.contains("Discard this letter?"))
      let cookie = question.headers[.setCookie] ?? ""
      check(cookie.hasPrefix("zoco_form=") && cookie.contains("; HttpOnly; SameSite=Strict"), cookie)
      let action = question.attribute("action", of: "<form") ?? ""
      let token = question.attribute("value", of: "<input type=\"hidden\"") ?? ""
      let sent: HTTPFields = [
        .cookie: String(cookie.prefix { $0 != ";" }), HTTPField.Name("Sec-Fetch-Site")!: "same-origin",
      ]
      let blank = try await caller.form(action, "token=\(token)&reason=+%0A", headers: sent)
      check(blank.status == 400 && blank.text.contains("reason: expected 1 to 500 characters"), "\(blank)")
      let done = try await caller.form(action, "token=\(token)&reason=it+was+%22so%22+%C3%A9", headers: sent)
      check(done.status == 303 && done.headers[.location] == "/admin/?done=discarded", "\(done)")
      let page = try await caller.text(.get, "/admin/?done=discarded")
      check(page.text.contains("The letter is discarded.") && page.text.contains("No message waits"))
      let again = try await caller.form(action, "token=\(token)&reason=x", headers: sent)
      check(again.status == 409 && again.text.contains("discarded by root"), "\(again)")
      let letter = try await caller.text(.get, "/admin/page/letters/\(letterId(1).canonicalText)")
      check(
        letter.text.contains("discarded by root: it was &quot;so&quot; é") && !letter.text.contains("/admin/confirm"))
    }
    #expect(bench.rows("dead_letters", "resolution") == ["discarded by root: it was \"so\" é"])
  }

  @Test func aFormThatIsNotOursIsRefused() throws {
    let bench = try OrdersBench()
    try bench.bury(1, cause: "so")
    bench.run { callers in
      let caller = callers[0]
      let path = "/admin/page/letters/\(letterId(1).canonicalText)/discard"
      let token = "11111111-1111-4111-8111-111111111111"
      let other = "22222222-2222-4222-8222-222222222222"
      let site = HTTPField.Name("Sec-Fetch-Site")!
      let forged: [(String, HTTPFields)] = [
        ("reason=x", [:]), ("token=\(token)&reason=x", [:]), ("reason=x", [.cookie: "zoco_form=\(token)"]),
        ("token=\(other)&reason=x", [.cookie: "zoco_form=\(token)"]), ("token=&reason=x", [.cookie: "zoco_form="]),
        ("token=&reason=x", [:]), ("token=x&reason=x", [.cookie: "zoco_form=x"]),
        ("token=\(token)&token=\(token)&reason=x", [.cookie: "zoco_form=\(token)"]),
        ("token=\(token)&reason=x", [.cookie: "zoco_form=\(token)", site: "cross-site"]),
        ("token=\(token)&reason=x", [.cookie: "zoco_form=\(token)", site: "same-site"]),
      ]
      for (body, headers) in forged {
        let answer = try await caller.form(path, body, headers: headers)
        check(answer.status == 403, "\(body) \(headers): \(answer)")
      }
      // Neither is a form taken for JSON, nor JSON for a form.
      let json = try await caller.admin(.post, path, "{\"reason\": \"x\"}")
      check(json.status == 415)
      let form = try await caller.form("/admin/dlq/retry-all", "token=\(token)")
      check(form.status == 415, "\(form)")
    }
    #expect(bench.rows("dead_letters", "resolution") == ["-"])
  }

  @Test func lettersAndSagasAreRetriedByWayOfTheirQuestions() throws {
    let bench = try OrdersBench()
    let broker = SimulatedRabbitMQServer(host: bench.kernel.host("broker"), network: Network(kernel: bench.kernel))
    for number in 1...3 { try bench.bury(number, cause: "so") }
    bench.confirmIsRefusedAndSoIsTheRelease(refusals: 5)
    bench.run(broker: broker) { callers in
      let caller = callers[0]
      let id = try await caller.order().orderId
      try await caller.pause(.seconds(120))
      let dashboard = try await caller.text(.get, "/admin/")
      check(dashboard.text.contains("Retry all 3") && dashboard.text.contains("4 to look at"), "\(dashboard)")
      check(dashboard.text.contains("/admin/confirm?action=retry-saga&amp;id=\(id)"))
      let one = try await caller.confirm("action=retry-letter&id=\(letterId(1).canonicalText)")
      check(one.headers[.location] == "/admin/?done=retried", "\(one)")
      let all = try await caller.confirm("action=retry-all")
      check(all.status == 303 && all.headers[.location]?.hasPrefix("/admin/?done=all&retried=") == true, "\(all)")
      let told = try await caller.text(.get, all.headers[.location] ?? "")
      check(told.text.contains("in their queues again."), "\(told)")
      let saga = try await caller.confirm("action=retry-saga&id=\(id)")
      check(saga.headers[.location] == "/admin/?done=saga", "\(saga)")
      check(try await caller.settled(id).orderStatus == "FAILED")
      let question = try await caller.text(.get, "/admin/confirm?action=retry-saga&id=\(id)")
      check(question.status == 409 && question.text.contains("The saga is not stuck"), "\(question)")
      let report = try await caller.text(.get, "/admin/page/sagas/\(id)")
      check(report.text.contains("reservation_confirmed") || report.text.contains("release"), "\(report)")
    }
  }

  @Test func theBrokersAbsenceIsToldOnAPage() throws {
    let bench = try OrdersBench()
    try bench.bury(1, cause: "so")
    bench.run { callers in
      let answer = try await callers[0].confirm("action=retry-all")
      check(answer.status == 503 && answer.text.contains("without a broker"), "\(answer)")
      check(answer.headers[.retryAfter] != nil && answer.headers[.contentType]?.hasPrefix("text/html") == true)
    }
  }

  // MARK: - Taking pages apart

  private static let ownTags: Set<String> = [
    "!doctype", "html", "head", "meta", "title", "style", "body", "header", "a", "span", "p", "time", "main", "h1",
    "h2",
    "ul", "ol", "li", "section", "div", "b", "dl", "dt", "dd", "pre", "form", "input", "label", "textarea", "button",
    "table", "thead", "tbody", "tr", "th", "td",
  ]
  private static let ownAttributes: Set<String> = [
    "html", "lang", "charset", "name", "content", "nonce", "class", "href", "datetime", "aria-hidden", "id", "title",
    "scope", "data-label", "colspan", "tabindex", "method", "action", "type", "value", "for", "rows", "maxlength",
    "required", "role",
  ]

  /// The names of all tags, as a browser finds them: `<` and a letter, `/`, `!` or `?`.
  private static func tags(of html: String) -> Set<String> {
    Set(html.matches(of: /<\/?([!?a-zA-Z][^\s>\/]*)/).map { $0.output.1.lowercased() })
  }

  /// The names of all attributes of all tags.
  private static func attributes(of html: String) -> Set<String> {
    var names: Set<String> = []
    for tag in html.matches(of: /<[!a-zA-Z][^\s>]*((?:\s+[^\s=>]+(?:="[^"]*")?)*)\s*>/).map(\.output.1) {
      for attribute in tag.matches(of: /\s([^\s="]+)(?:="[^"]*")?/) { names.insert(String(attribute.output.1)) }
    }
    return names
  }

  private static func escaped(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "<": "&lt;"
      case ">": "&gt;"
      case "&": "&amp;"
      case "\"": "&quot;"
      case "'": "&#39;"
      case "\u{202E}": "\u{FFFD}"
      default: String(scalar)
      }
    }.joined()
  }
}

extension OrdersCaller {
  /// Asks the question that `query` names, and says yes.
  func confirm(_ query: String) async throws -> TextAnswer {
    let question = try await text(.get, "/admin/confirm?" + query)
    let cookie = String((question.headers[.setCookie] ?? "").prefix { $0 != ";" })
    return try await form(
      question.attribute("action", of: "<form") ?? "",
      "token=\(question.attribute("value", of: "<input type=\"hidden\"") ?? "")", headers: [.cookie: cookie])
  }
}
