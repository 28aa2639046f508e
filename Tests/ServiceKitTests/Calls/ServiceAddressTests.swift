import ServiceKit
import Testing

@Suite struct ServiceAddressTests {
  @Test(arguments: [
    ("http://inventory-service:8080", "inventory-service:8080"), ("https://shop.example", "shop.example"),
    ("http://127.0.0.1:1/", "127.0.0.1:1"), ("http://[::1]:8080", "[::1]:8080"), ("http://[::1]", "[::1]"),
  ])
  func anAddressIsSchemeHostAndPort(url: String, authority: String) throws {
    let address = try #require(ServiceAddress(url: url))
    #expect(address.authority == authority && url.hasPrefix(address.scheme + "://"))
  }

  @Test(arguments: [
    "", "inventory:8080", "ftp://a", "http://", "http:///", "http://:80", "http://a:", "http://a:0", "http://a:65536",
    "http://a:x", "http://a/path", "http://a?b", "http://user@a", "http://a b", "http://a:80//",
  ])
  func anythingElseIsNone(url: String) {
    #expect(ServiceAddress(url: url) == nil)
  }
}
