internal import Crypto
package import NIOCore

/// The hash by which two requests with one idempotency key are told apart.
package enum RequestHash {
  /// SHA-256 of `canonical`: the validated request, re-encoded with sorted keys.
  package static func sha256(_ canonical: ByteBuffer) -> [UInt8] {
    Array(SHA256.hash(data: canonical.readableBytesView))
  }
}
