package import FoundationEssentials
internal import HTTPTypes
package import Hummingbird

/// Reads a request's query and gathers everything that is wrong with it, as ``ObjectReader`` does for bodies.
package final class QueryReader {
  private var parameters: [(name: String, value: String)]
  private var errors: [FieldError] = []

  /// Reads the query of `request`.
  package init(_ request: Request) {
    parameters = request.uri.queryParameters.map { (String($0.key), String($0.value)) }
  }

  /// The value of `name`; an error when it is given more than once.
  private func take(_ name: String) -> String? {
    let values = parameters.filter { $0.name == name }
    parameters.removeAll { $0.name == name }
    if values.count > 1 { fail(name, "given \(values.count) times; expected it once") }
    return values.first?.value
  }

  /// An integer within `range`; `standard` when it is not given.
  package func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) -> Int {
    guard let text = take(name) else { return standard }
    guard let value = Int(text), range.contains(value) else {
      fail(name, "expected an integer from \(range.lowerBound) to \(range.upperBound), found \"\(excerpt(text))\"")
      return standard
    }
    return value
  }

  /// The text of `name`; `nil` when it is not given.
  package func stringIfPresent(_ name: String) -> String? { take(name) }

  /// UUIDs separated by commas, each once, in their order.
  package func uuids(_ name: String, count: ClosedRange<Int>) -> [UUID] {
    let expectation = "\(count.lowerBound) to \(count.upperBound) UUIDs separated by commas"
    guard let text = take(name), !text.isEmpty else {
      fail(name, "missing; expected \(expectation)")
      return []
    }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard count.contains(parts.count) else {
      fail(name, "expected \(expectation), found \(parts.count)")
      return []
    }
    var seen: Set<UUID> = []
    var ids: [UUID] = []
    for (index, part) in parts.enumerated() {
      guard let id = UUID(text: part) else {
        fail("\(name)[\(index)]", "expected a UUID, found \"\(excerpt(String(part)))\"")
        continue
      }
      if seen.insert(id).inserted { ids.append(id) }
    }
    return ids
  }

  /// Records that the parameter `field` is wrong.
  package func fail(_ field: String, _ message: String) {
    errors.append(FieldError(field: field, message: message))
  }

  /// Ends the reading.
  ///
  /// - Throws: `validation_failed` with every error, unknown parameters included.
  package func finish() throws(Problem) {
    for parameter in parameters {
      fail(excerpt(parameter.name), "unknown query parameter")
    }
    if !errors.isEmpty { throw .validationFailed(errors) }
  }
}
