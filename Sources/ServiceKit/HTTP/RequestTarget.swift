/// The path and query of a request.
enum RequestTarget {
  /// Checks that a target is in origin form (RFC 9112 §3.2.1) and that every `%` begins a percent-encoded octet.
  ///
  /// - Throws: `validation_failed`.
  static func validate(_ target: String) throws(Problem) {
    var bytes = target.utf8.makeIterator()
    guard bytes.next() == UInt8(ascii: "/") else {
      throw .validationFailed("path", "expected a path that begins with '/'")
    }
    while let byte = bytes.next() {
      guard byte == UInt8(ascii: "%") else { continue }
      guard let high = bytes.next(), let low = bytes.next(), hexValue(high) != nil, hexValue(low) != nil else {
        throw .validationFailed("path", "expected two hexadecimal digits after each '%'")
      }
    }
  }
}
