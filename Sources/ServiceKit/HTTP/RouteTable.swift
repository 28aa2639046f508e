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

  /// The problem for a request that no route matches: 405 when the path has other methods, else 404, which names the
  /// parameter that the path lacks at its end where there is one.
  func miss(method: HTTPRequest.Method, path: String) -> Problem {
    let components = path.split(separator: "/")
    let matching = entries.filter { Self.matches(Array($0.path), components) }
    // The router goes by the most literal path: `/items/reserve` is not an item of the name "reserve".
    let best = matching.map { Self.captures($0.path) }.min()
    if let cut = entries.first(where: { $0.method == method && Self.isCut($0.path, components, before: best) }) {
      return .pathLacksParameter(path, method, route: cut.path.description)
    }
    guard let best else { return .routeNotFound(path) }
    var allowed: [String] = []
    for entry in matching where Self.captures(entry.path) == best {
      if !allowed.contains(entry.method.rawValue) { allowed.append(entry.method.rawValue) }
    }
    if allowed.contains("GET") { allowed.append("HEAD") }
    return .methodNotAllowed(method, allowed: allowed.sorted())
  }

  /// Where a path has captures, as a text that sorts the more literal path first.
  private static func captures(_ path: RouterPath) -> String {
    String(path.map { $0 ~= "\u{0}" ? "1" : "0" as Character })
  }

  /// Whether a path is `components` and one parameter more, and `components` are more literal than `best`.
  private static func isCut(_ path: RouterPath, _ components: [Substring], before best: String?) -> Bool {
    let elements = Array(path)
    guard let last = elements.last, last ~= "\u{0}", matches(elements.dropLast(), components) else { return false }
    return best.map { String(captures(path).dropLast()) < $0 } ?? true
  }

  private static func matches(_ pattern: some Collection<RouterPath.Element>, _ components: [Substring]) -> Bool {
    guard pattern.count == components.count else { return false }
    return zip(pattern, components).allSatisfy { $0 ~= $1 }
  }
}
