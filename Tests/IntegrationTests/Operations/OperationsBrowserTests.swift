import Seams
import Testing

/// The operations page in a browser, as a person meets it.
@Suite("The operations page in Chromium", .enabled(if: Browser.path != nil), .timeLimit(.minutes(3)))
struct OperationsBrowserTests {
  private static let pages = [
    ("dashboard", "/admin/"),
    ("letter", "/admin/page/letters/1e77e400-0000-8000-8000-000000000001"),
    ("hostile", "/admin/page/letters/1e77e400-0000-8000-8000-000000000002"),
    ("bytes", "/admin/page/letters/1e77e400-0000-8000-8000-000000000003"),
    ("long", "/admin/page/letters/1e77e400-0000-8000-8000-000000000004"),
    ("saga", "/admin/page/sagas/01a21e5d-0001-7fc9-878b-6f7ae7723e75"),
    ("retry", "/admin/confirm?action=retry-letter&id=1e77e400-0000-8000-8000-000000000004"),
    ("retry-all", "/admin/confirm?action=retry-all"),
    ("discard", "/admin/confirm?action=discard-letter&id=1e77e400-0000-8000-8000-000000000002"),
    ("retry-saga", "/admin/confirm?action=retry-saga&id=01a21e5d-0001-7fc9-878b-6f7ae7723e75"),
    ("problem", "/admin/page/letters/1e77e400-0000-8000-8000-000000000009"),
  ]

  /// A phone shows each page without scrolling sideways, with buttons that a thumb meets.
  @Test func everyPageFitsAPhoneAndADesk() async throws {
    try await LiveOperations.run { operations in
      for width in [375, 1_280] {
        for (name, path) in Self.pages {
          let probe = path + (path.contains("?") ? "&" : "?") + "probe=size"
          let shown = try await operations.browser.open(probe, width: width, picture: "\(name)-\(width)")
          #expect(shown.document.contains("data-sizes=\"\(width) \(width)\""), "\(name): \(shown.document.prefix(300))")
          #expect(shown.document.contains("data-small=\"0\""), "\(name) has a button that is too small")
        }
      }
      _ = try await operations.browser.open("/admin/", width: 375, isDark: true, picture: "dark-375")
    }
  }

  /// What letters say is shown, and nothing of it runs.
  @Test func noPayloadRuns() async throws {
    try await LiveOperations.run { operations in
      for (name, path) in Self.pages {
        let shown = try await operations.browser.open(path, width: 1_280)
        #expect(!shown.document.contains("<title>owned</title>"), "\(name): a payload ran")
        #expect(!shown.document.contains("<script") && !shown.document.contains("<img"), "\(name): a payload is a tag")
        #expect(!shown.log.contains("Content Security Policy"), "\(name): \(shown.log)")
      }
      let dashboard = try await operations.browser.open("/admin/", width: 1_280).document
      for text in [
        "7 to look at", "its data names no order", "&lt;script&gt;document.title=\"owned\"&lt;/script&gt;", "stuck",
        "payment_not_found", "Retry all 4", "set aside", "1 event to be published, the oldest for 4 min",
      ] {
        #expect(dashboard.contains(text), "there is no \"\(text)\"")
      }
    }
  }

  /// A real browser keeps the form's cookie, sends it back, and is led on to what happened.
  @Test func aFormGoesThrough() async throws {
    try await LiveOperations.run { operations in
      let discard = "/admin/confirm?action=discard-letter&id=1e77e400-0000-8000-8000-000000000002&probe=submit"
      let shown = try await operations.browser.open(discard, width: 375)
      #expect(shown.document.contains("The letter is discarded."), "\(shown.document.suffix(2_000))")
      #expect(shown.document.contains("Retry all 3"))
      let resolution = try await operations.database.rows(
        "SELECT resolution FROM dead_letters WHERE id = '1e77e400-0000-8000-8000-000000000002'")
      #expect(try resolution[0].decode("resolution") == "discarded by root: known & \"harmless\"")
    }
  }

  @Test func anEmptyPageIsCalm() async throws {
    try await LiveOperations.run(isEmpty: true) { operations in
      let shown = try await operations.browser.open("/admin/?probe=size", width: 375, picture: "empty-375")
      #expect(shown.document.contains("All well") && shown.document.contains("data-sizes=\"375 375\""))
    }
  }
}
