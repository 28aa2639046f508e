import NIOCore
import ServiceKit
import Testing

@testable import Orders

@Suite struct WebhookSignatureTests {
  /// `printf '1700000000.BODY' | openssl dgst -sha256 -hmac 'a secret of the webhook'` says the same.
  @Test func aSignatureIsWhatOpenSSLComputes() {
    let value = WebhookSignature.value(
      secret: Secret("a secret of the webhook"), timestamp: 1_700_000_000,
      body: ByteBuffer(string: #"{"id":"01900000-0000-7000-8000-000000000001","type":"order_confirmed"}"#))
    #expect(value == "t=1700000000,v1=96ed2e83826c155ffd7e8e6ed313b9d2b74b43eaf8db571f5be051d12ef57a76")
  }

  @Test func anotherTimeAnotherBodyOrAnotherSecretIsAnotherSignature() {
    func hex(_ secret: String, _ timestamp: Int64, _ body: String) -> Substring? {
      WebhookSignature.value(secret: Secret(secret), timestamp: timestamp, body: ByteBuffer(string: body))
        .split(separator: "=").last
    }
    let all = [hex("a", 1, "{}"), hex("b", 1, "{}"), hex("a", 2, "{}"), hex("a", 1, "[]"), hex("a", 1, "")]
    #expect(Set(all).count == all.count)
  }

  @Test(arguments: [
    ("https://shop.example/hooks/orders?key=1", "https://shop.example"),
    ("http://localhost:9000", "http://localhost:9000"),
    ("http://[::1]:9000/", "http://[::1]:9000"), ("https://shop.example?key=1", "https://shop.example"),
  ])
  func aReceiverHasAHostAndPerhapsAPath(_ text: String, _ shown: String) {
    #expect(WebhookURL(text)?.description == shown)
  }

  @Test(arguments: [
    "", "shop.example/hooks", "ftp://shop.example/", "http://", "http:///hooks", "http://user:pw@shop.example/",
    "http://shop.example/a b", "http://shop.example/#part", "http://shop.example:0/", "http://shop.example/\u{e9}",
  ])
  func anythingElseIsNoReceiver(_ text: String) {
    #expect(WebhookURL(text) == nil)
  }

  @Test(arguments: [
    ("https://shop.example", "/"), ("https://shop.example/", "/"), ("https://shop.example?key=1", "/?key=1"),
    ("https://shop.example/hooks//orders?a=/b", "/hooks//orders?a=/b"),
  ])
  func thePathIsSentAsItIs(_ text: String, _ path: String) {
    #expect(WebhookURL(text)?.path == path)
  }
}
