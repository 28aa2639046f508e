import Crypto
import NIOCore

/// The hash by which two requests with one idempotency key are told apart.
enum RequestHash {
  /// SHA-256 of `canonical`: the validated request, re-encoded with sorted keys.
  static func sha256(_ canonical: ByteBuffer) -> [UInt8] {
    Array(SHA256.hash(data: canonical.readableBytesView))
  }
}
