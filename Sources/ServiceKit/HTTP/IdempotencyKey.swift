package import HTTPTypes
package import Hummingbird

extension HTTPField.Name {
  /// Makes a request one that may be sent again.
  package static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
  /// Says that an answer is the first one's, replayed.
  package static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed")!
}

/// The header `Idempotency-Key` as every service takes it.
package enum IdempotencyKey {
  /// Characters of a key.
  package static let length = 1...255

  /// Whether `key` is 1 to 255 printable ASCII characters.
  package static func isValid(_ key: String) -> Bool {
    length.contains(key.utf8.count) && key.utf8.allSatisfy { (0x20...0x7E).contains($0) }
  }
}

extension ObjectReader {
  /// The idempotency key of `request`, whose body this is; empty, with the error recorded, when it has none.
  package func idempotencyKey(of request: Request) -> String {
    guard let key = request.headers[.idempotencyKey] else {
      fail("Idempotency-Key", "missing; expected a header of 1 to 255 characters")
      return ""
    }
    guard IdempotencyKey.isValid(key) else {
      fail("Idempotency-Key", "expected 1 to 255 printable ASCII characters")
      return ""
    }
    return key
  }
}
