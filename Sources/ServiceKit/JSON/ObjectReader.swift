package import NIOCore

/// Reads the members of one JSON object and gathers everything that is wrong with them.
///
/// Each read returns a value at once: a stand-in when the member is wrong. ``finish()`` then throws one
/// `validation_failed` problem that lists every error, so the stand-ins are never used:
///
/// ```swift
/// let reader = try ObjectReader(context.body)
/// let orderId = reader.uuid("orderId")
/// let items = reader.objects("items", count: 1...50) { item in
///   Line(productId: item.uuid("productId"), quantity: item.integer("quantity", in: 1...1000))
/// }
/// try reader.finish()
/// ```
package final class ObjectReader {
  private let members: [JSONMember]
  private var isRead: [Bool]
  private var knownNames: [String] = []
  private let errors: ErrorList
  private let path: Path

  /// The errors of a whole document, and whether a member that nobody asked for is one.
  private final class ErrorList {
    var list: [FieldError] = []
    let ignoresUnknown: Bool

    init(ignoresUnknown: Bool) { self.ignoresUnknown = ignoresUnknown }
  }

  /// Where an object stands; made into text only for an error.
  private indirect enum Path {
    case root
    case element(of: Path, name: String, index: Int)
    case member(of: Path, name: String)

    var text: String {
      switch self {
      case .root: ""
      case .element(let parent, let name, let index): parent.child(name) + "[\(index)]"
      case .member(let parent, let name): parent.child(name)
      }
    }

    func child(_ name: String) -> String {
      let prefix = text
      return prefix.isEmpty ? name : "\(prefix).\(name)"
    }
  }

  /// Reads the object that `body` holds as JSON.
  ///
  /// - Throws: `malformed_json`; `validation_failed` when the body is empty or is no object.
  package convenience init(_ body: ByteBuffer) throws(Problem) {
    guard body.readableBytes > 0 else {
      throw .validationFailed("", "expected a JSON object, found no body")
    }
    try self.init(StrictJSON.parse(body))
  }

  /// Reads `value`, which must be an object.
  ///
  /// - Parameter ignoringUnknown: for answers of another service, which may say more than its caller knows yet.
  /// - Throws: `validation_failed` when it is something else.
  package init(_ value: JSONValue, ignoringUnknown: Bool = false) throws(Problem) {
    guard case .object(let members) = value else {
      throw .validationFailed("", "expected a JSON object, found \(value.kind)")
    }
    self.members = members
    isRead = Array(repeating: false, count: members.count)
    errors = ErrorList(ignoresUnknown: ignoringUnknown)
    path = .root
  }

  private init(members: [JSONMember], errors: ErrorList, path: Path) {
    self.members = members
    isRead = Array(repeating: false, count: members.count)
    self.errors = errors
    self.path = path
  }

  /// Whether the object has the member `name`, `null` included. The name counts as known.
  package func has(_ name: String) -> Bool {
    knownNames.append(name)
    return members.contains { $0.name == name }
  }

  /// Ends the reading.
  ///
  /// - Throws: `validation_failed` with every error, unknown members included, when there is one.
  package func finish() throws(Problem) {
    refuseUnknown()
    if !errors.list.isEmpty { throw .validationFailed(errors.list) }
  }

  /// Records that `field` of this object is wrong; an empty name means the object itself.
  package func fail(_ field: String, _ message: String) {
    errors.list.append(FieldError(field: field.isEmpty ? path.text : path.child(field), message: message))
  }

  /// The values and errors of nested objects, one for each element of the array `name`.
  ///
  /// - Parameter count: how many elements there may be.
  package func objects<Element>(
    _ name: String, count: ClosedRange<Int>, _ read: (ObjectReader) -> Element
  ) -> [Element] {
    let expectation = "an array of \(count.lowerBound) to \(count.upperBound) objects"
    guard let value = required(name, expectation) else { return [] }
    guard case .array(let elements) = value else {
      mismatch(name, expectation, value)
      return []
    }
    guard count.contains(elements.count) else {
      fail(name, "expected \(expectation), found \(elements.count)")
      return []
    }
    var result: [Element] = []
    result.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      let place = Path.element(of: path, name: name, index: index)
      guard case .object(let members) = element else {
        errors.list.append(FieldError(field: place.text, message: "expected an object, found \(element.kind)"))
        continue
      }
      let child = ObjectReader(members: members, errors: errors, path: place)
      result.append(read(child))
      child.refuseUnknown()
    }
    return result
  }

  // MARK: For the typed reads

  /// The value of `name`; records an error when it is missing or null.
  func required(_ name: String, _ expectation: @autoclosure () -> String) -> JSONValue? {
    guard let value = take(name) else {
      fail(name, "missing; expected \(expectation())")
      return nil
    }
    if value == .null {
      fail(name, "expected \(expectation()), found null")
      return nil
    }
    return value
  }

  /// The value of `name`, `nil` when it is missing or null.
  func optional(_ name: String) -> JSONValue? {
    guard let value = take(name), value != .null else { return nil }
    return value
  }

  func mismatch(_ name: String, _ expectation: String, _ found: JSONValue) {
    fail(name, "expected \(expectation), found \(Self.describe(found))")
  }

  private static func describe(_ value: JSONValue) -> String {
    switch value {
    case .integer(let value): String(value)
    case .number(let text): excerpt(text)
    case .bool(let value): String(value)
    case .string(let text): "the string \"\(excerpt(text))\""
    case .null, .array, .object: value.kind
    }
  }

  private func take(_ name: String) -> JSONValue? {
    knownNames.append(name)
    for (index, member) in members.enumerated() where member.name == name {
      isRead[index] = true
      return member.value
    }
    return nil
  }

  private func refuseUnknown() {
    guard !errors.ignoresUnknown else { return }
    for (index, member) in members.enumerated() where !isRead[index] && !knownNames.contains(member.name) {
      let near = NearestName.of(member.name, among: knownNames).map { "; did you mean '\($0)'?" } ?? ""
      fail(member.name, "unknown member '\(excerpt(member.name))'\(near)")
    }
  }
}
