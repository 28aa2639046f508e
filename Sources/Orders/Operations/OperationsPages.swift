import FoundationEssentials
import HTTPTypes
import Hummingbird
import Mustache
import NIOCore
import Seams
import ServiceKit

/// Makes the pages of the operations interface from the templates of the folder Pages, which are embedded in the
/// executable and compiled once.
///
/// A page loads nothing, runs no script, and cannot be framed; every value in it is escaped.
struct OperationsPages: Sendable {
  /// What every page has.
  struct Frame: Sendable {
    var title: String
    var time: TimeText
    /// Ties the page's own style to its Content-Security-Policy.
    var nonce = ""
    var style = ""
  }

  private let library = OperationsPages.compiled
  private let entropy: any EntropySource

  /// - Parameter entropy: where nonces and the tokens of forms come from.
  init(entropy: any EntropySource) { self.entropy = entropy }

  private static let style = String(decoding: PackageResources.style_css, as: UTF8.self)

  /// The templates. They are the same for every instance: a simulation starts thousands.
  private static let compiled: MustacheLibrary = {
    MustacheContentTypes.register(EscapedText(), named: EscapedText.name)
    let files: [(String, [UInt8])] = [
      ("head", PackageResources.head_mustache), ("foot", PackageResources.foot_mustache),
      ("chip", PackageResources.chip_mustache), ("facts", PackageResources.facts_mustache),
      ("saga", PackageResources.saga_mustache), ("dashboard", PackageResources.dashboard_mustache),
      ("letter", PackageResources.letter_mustache), ("report", PackageResources.report_mustache),
      ("confirm", PackageResources.confirm_mustache), ("problem", PackageResources.problem_mustache),
    ]
    var templates: [String: MustacheTemplate] = [:]
    for (name, bytes) in files {
      do {
        // A template says itself how its values are escaped, a partial too.
        let text = "{{% CONTENT_TYPE:\(EscapedText.name)}}" + String(decoding: bytes, as: UTF8.self)
        templates[name] = try MustacheTemplate(string: text)
      } catch {
        preconditionFailure("the template \(name) is malformed: \(error)")
      }
    }
    return MustacheLibrary(templates: templates)
  }()

  /// A value that no caller can guess.
  func secret() -> String { entropy.uuid().canonicalText }

  /// The response with a page.
  ///
  /// - Parameters:
  ///   - view: what the template shows; it has a frame.
  ///   - headers: fields of the response besides those of every page.
  func response(
    _ view: some OperationsView, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) -> Response {
    var view = view
    view.frame.nonce = secret()
    view.frame.style = Self.style
    guard let text = library.render(view, withTemplate: view.template) else {
      preconditionFailure("there is no template \(view.template)")
    }
    var headers = headers
    for field in Self.protection(nonce: view.frame.nonce) { headers.append(field) }
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  /// Leads on to another page after a change, so that reloading does not repeat it (303, RFC 9110 §15.4.4).
  func redirect(to path: String) -> Response {
    Response(status: .seeOther, headers: [.location: path, .cacheControl: "no-store"])
  }

  private static func protection(nonce: String) -> HTTPFields {
    [
      .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
      .contentSecurityPolicy: "default-src 'none'; style-src 'nonce-\(nonce)'; form-action 'self'; base-uri 'none'; "
        + "frame-ancestors 'none'",
      .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer", .crossOriginOpenerPolicy: "same-origin",
    ]
  }
}

/// What a template shows.
protocol OperationsView {
  /// The template's name.
  var template: String { get }
  var frame: OperationsPages.Frame { get set }
}

extension HTTPField.Name {
  fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
  fileprivate static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy")!
}

/// How values get into a page.
///
/// The library's own escaping goes by characters: a quotation mark with a combining accent is another character to it and
/// would end an attribute. This one goes by scalars, as browsers do. What a reader cannot see, or what turns the direction
/// of the text around it, is shown as U+FFFD: a payload cannot look like something else.
struct EscapedText: MustacheContentType {
  static let name = "ESCAPED"

  func escapeText(_ text: String) -> String {
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "&": escaped += "&amp;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "`": escaped += "&#96;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{200B}"..."\u{200F}", "\u{202A}"..."\u{202E}",
        "\u{2060}"..."\u{206F}", "\u{FEFF}":
        escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
