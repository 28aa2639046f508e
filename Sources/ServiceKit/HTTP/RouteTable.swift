internal import HTTPTypes
internal import Hummingbird

/// The router's routes as a list, to tell a path that does not exist from a method that it does not have.
struct RouteTable: Sendable {
  /// What Hummingbird puts into a context's endpoint path when no route matches.
  static let missName = "NotFound"

  private struct Entry: Sendable {
    var path: RouterPath
    var method: HTTPRequest.Method
  }

  private let entries: [Entry]

  init(_ routes: [Router<ServiceContext>.RouteDescription]) {
    entries = routes.map { Entry(path: $0.path, method: $0.method) }
  }

  /// The problem for a request that no route matches: 405 when the path has other methods, else 404.
  func miss(method: HTTPRequest.Method, path: String) -> Problem {
    let components = path.split(separator: "/")
    var allowed: [String] = []
    for entry in entries where Self.matches(Array(entry.path), components) {
      if !allowed.contains(entry.method.rawValue) { allowed.append(entry.method.rawValue) }
    }
    guard !allowed.isEmpty else { return .routeNotFound(path) }
    if allowed.contains("GET") { allowed.append("HEAD") }
    return .methodNotAllowed(method, allowed: allowed.sorted())
  }

  private static func matches(_ pattern: [RouterPath.Element], _ components: [Substring]) -> Bool {
    guard pattern.count == components.count else { return false }
    return zip(pattern, components).allSatisfy { $0 ~= $1 }
  }
}
