package import HTTPTypes
package import Seams

/// Problems of requests as such, whatever the service.
extension Problem {
  /// 400: every field that is wrong.
  package static func validationFailed(_ errors: [FieldError]) -> Problem {
    let list = errors.map { error in
      JSONValue.object([JSONMember("field", .string(error.field)), JSONMember("message", .string(error.message))])
    }
    return Problem(
      status: .badRequest, code: "validation_failed", title: "The request is not valid",
      detail: "Correct the fields that `errors` names and send the request again.",
      members: [JSONMember("errors", .array(list))])
  }

  /// 400: one field that is wrong.
  package static func validationFailed(_ field: String, _ message: String) -> Problem {
    validationFailed([FieldError(field: field, message: message)])
  }

  /// 400: the body is no JSON.
  package static func malformedJSON(_ message: String, line: Int, column: Int) -> Problem {
    Problem(
      status: .badRequest, code: "malformed_json", title: "The body is not well-formed JSON",
      detail: "Line \(line), column \(column): \(message).",
      members: [JSONMember("line", .integer(Int64(line))), JSONMember("column", .integer(Int64(column)))])
  }

  /// 400 or 431: bytes that are no HTTP request.
  package static func unreadable(_ request: UnreadableHTTPRequest) -> Problem {
    Problem(
      status: request.status, code: request == .malformed ? "malformed_request" : "header_fields_too_large",
      title: "The bytes are no request that can be read", detail: request.detail)
  }

  /// 404: no route has this path.
  package static func routeNotFound(_ path: String) -> Problem {
    Problem(
      status: .notFound, code: "route_not_found", title: "There is nothing at this path",
      detail: "No resource has the path \(excerpt(path)).")
  }

  /// 404: the path is that of `route` but for the parameter at its end.
  package static func pathLacksParameter(_ path: String, _ method: HTTPRequest.Method, route: String) -> Problem {
    Problem(
      status: .notFound, code: "route_not_found", title: "There is nothing at this path",
      detail: "The path \(excerpt(path)) lacks its end: \(method.rawValue) \(route).")
  }

  /// 405: the path is known, the method is not.
  package static func methodNotAllowed(_ method: HTTPRequest.Method, allowed: [String]) -> Problem {
    let list = allowed.joined(separator: ", ")
    return Problem(
      status: .methodNotAllowed, code: "method_not_allowed", title: "The resource does not support this method",
      detail: "Use \(list) instead of \(excerpt(method.rawValue)).", headers: [.allow: list])
  }

  /// 413: the body exceeds `limit` bytes.
  package static func payloadTooLarge(limit: Int) -> Problem {
    Problem(
      status: .contentTooLarge, code: "payload_too_large", title: "The body is too large",
      detail: "Send at most \(limit) bytes.", members: [JSONMember("limit", .integer(Int64(limit)))])
  }

  /// 415: the body is of a type that is not understood.
  package static func unsupportedMediaType(
    _ found: String?, expected: String = "application/json in UTF-8"
  ) -> Problem {
    let found = found.map { "not \(excerpt($0))" } ?? "and name it in Content-Type"
    return Problem(
      status: .unsupportedMediaType, code: "unsupported_media_type", title: "The body's media type is not supported",
      detail: "Send \(expected), \(found).")
  }

  /// 500: a mistake of ours. What it was stays in the log.
  package static let internalError = Problem(
    status: .internalServerError, code: "internal", title: "The service failed",
    detail: "The failure was logged under this correlationId.")
}
