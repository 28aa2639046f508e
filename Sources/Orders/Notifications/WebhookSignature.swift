import Crypto
import FoundationEssentials
import NIOCore
import ServiceKit

/// How a receiver knows that a request comes from here and when it was sent: `t=SECONDS,v1=HEX`.
///
/// HEX is HMAC-SHA256 (RFC 2104) with the shared secret over the time, a point and the body's bytes. The time is part of
/// it, so that a request that somebody kept is too old later. `v1` names the scheme: another one can stand beside it.
enum WebhookSignature {
  /// The value of `X-Zoco-Signature`.
  ///
  /// - Parameter timestamp: seconds since the epoch, as `X-Zoco-Timestamp` has them.
  static func value(secret: Secret, timestamp: Int64, body: ByteBuffer) -> String {
    var code = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.value.utf8)))
    code.update(data: Array("\(timestamp).".utf8))
    code.update(data: Array(body.readableBytesView))
    let digits = Array("0123456789abcdef".utf8)
    let text = code.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return "t=\(timestamp),v1=\(String(decoding: text, as: UTF8.self))"
  }
}
