import FoundationEssentials
import HTTPTypes
import Hummingbird
import Seams
import ServiceKit

/// What the page's forms do. Each answers by leading back to the page, which then tells what happened.
extension AdminRoutes {
  /// Where forms are taken in the place of JSON.
  static let formPrefix = "/admin/page/"

  func addForms(to router: Router<ServiceContext>) {
    router.post("/admin/page/letters/retry-all") { request, context in
      try await page(request, context) { request, context in
        let (actor, _) = try form(request, context)
        let totals = try await letters.retryAll(by: actor, deadline: context.deadline)
        let notice = Notice.allRetried(
          retried: totals.retried, processed: totals.processed, failed: totals.failed, isComplete: totals.isComplete)
        return pages.redirect(to: notice.path)
      }
    }
    router.post("/admin/page/letters/:letterId/retry") { request, context in
      try await page(request, context) { request, context in
        let (actor, _) = try form(request, context)
        let id = try context.uuidParameter("letterId")
        let isRetried = try await retry(id, by: actor, deadline: context.deadline)
        return pages.redirect(to: (isRetried ? Notice.retried : .processed).path)
      }
    }
    router.post("/admin/page/letters/:letterId/discard") { request, context in
      try await page(request, context) { request, context in
        let (actor, form) = try form(request, context)
        let id = try context.uuidParameter("letterId")
        let reason = try Self.reason(form)
        try await discard(id, by: actor, reason: reason, deadline: context.deadline)
        return pages.redirect(to: Notice.discarded.path)
      }
    }
    router.post("/admin/page/sagas/:orderId/retry") { request, context in
      try await page(request, context) { request, context in
        let (actor, _) = try form(request, context)
        try await retrySaga(try context.uuidParameter("orderId"), by: actor, deadline: context.deadline)
        return pages.redirect(to: Notice.sagaRetried.path)
      }
    }
  }

  /// Who sends a form that is ours, and its fields.
  ///
  /// - Throws: `unauthenticated`, `forbidden`.
  private func form(_ request: Request, _ context: ServiceContext) throws(Problem) -> (actor: String, FormReader) {
    let actor = try actor(of: request)
    let form = FormReader(context.body)
    try FormToken.check(form, request)
    return (actor, form)
  }

  private static func reason(_ form: FormReader) throws(Problem) -> String {
    let reason = form.value("reason") ?? ""
    guard DeadLetterStore.reasonLength.contains(reason.unicodeScalars.count), !reason.utf8.contains(0),
      reason.unicodeScalars.contains(where: { !$0.properties.isWhitespace })
    else {
      throw .validationFailed("reason", "expected 1 to \(DeadLetterStore.reasonLength.upperBound) characters")
    }
    return reason
  }
}

/// Shows that a form comes from a page of ours: the same value in a field and in a cookie. A page of another site can
/// make a browser send a form, but can neither read nor set the cookie.
enum FormToken {
  private static let cookieName = "zoco_form"

  /// The token that the browser has, if it has one.
  static func known(by request: Request) -> String? {
    guard let value = request.cookies[cookieName]?.value, UUID(text: value) != nil else { return nil }
    return value
  }

  /// Gives the browser the token: to this host alone, to no script, and not when another site sends the request.
  static func cookie(_ token: String, for request: Request) -> HTTPFields {
    let isSecure = request.headers[forwardedProtocol] == "https"
    return [
      .setCookie: "\(cookieName)=\(token); Path=/admin; HttpOnly; SameSite=Strict" + (isSecure ? "; Secure" : "")
    ]
  }

  private static let forwardedProtocol = HTTPField.Name("X-Forwarded-Proto")!

  /// - Throws: `forbidden` when the form lacks the token or has another.
  static func check(_ form: FormReader, _ request: Request) throws(Problem) {
    guard let known = known(by: request), let sent = form.value("token"),
      ConstantTime.areEqual(Array(known.utf8), Array(sent.utf8))
    else {
      throw .forgedRequest("The form is not one of this page, or is too old. Go back and start again.")
    }
  }
}
