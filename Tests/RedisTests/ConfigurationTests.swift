import Seams
import Testing

@testable import Redis

@Suite struct ConfigurationTests {
  @Test func aURLMayLeaveOutWhatHasADefault() throws {
    let configuration = try RedisConfiguration(url: "redis://cache")
    #expect(configuration.target == .server(.init(name: "cache", port: 6379)))
    #expect(configuration.user == nil && configuration.password == nil && configuration.database == 0)
  }

  @Test func aURLMaySayEverything() throws {
    let configuration = try RedisConfiguration(url: "redis://anna:ge%3Aheim%2F@[::1]:7000/3")
    #expect(configuration.target == .server(.init(name: "::1", port: 7000)))
    #expect(configuration.user == "anna" && configuration.password == "ge:heim/" && configuration.database == 3)
    #expect(configuration.description == "redis://anna@[::1]:7000/3")
  }

  @Test func aPasswordNeedsNoUser() throws {
    let configuration = try RedisConfiguration(url: "redis://:geheim@cache/")
    #expect(configuration.user == nil && configuration.password == "geheim")
  }

  @Test func sentinelsAreAListWithThePrimarysName() throws {
    let configuration = try RedisConfiguration(url: "redis+sentinel://:geheim@a,b:26380,[::1]:1/mymaster/2")
    let sentinels: [RedisConfiguration.Host] = [
      .init(name: "a", port: 26379), .init(name: "b", port: 26380), .init(name: "::1", port: 1),
    ]
    #expect(configuration.target == .primary(name: "mymaster", sentinels: sentinels))
    #expect(configuration.database == 2)
    #expect(configuration.description == "redis+sentinel://a:26379,b:26380,[::1]:1/mymaster/2")
  }

  @Test func thePasswordIsShownNowhere() throws {
    let configuration = try RedisConfiguration(url: "redis://anna:geheim@a/1")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] { #expect(!text.contains("geheim")) }
  }

  @Test(arguments: [
    "", "cache:6379", "http://geheim@a", "redis://", "redis://anna:geheim@", "redis://geheim@a", "redis://a:geheim",
    "redis://a:0", "redis://a:70000", "redis://a,b", "redis://a/x", "redis://a/1/2", "redis://a/-1",
    "redis://u:geheim%zz@a", "redis://u:geheim%f@a", "redis://[::1", "redis://a?password=geheim",
    "redis+sentinel://a,b", "redis+sentinel://a,/x", "redis://u:geheim%ff@a",
  ])
  func aWrongURLIsRefusedWithoutQuotingIt(_ url: String) throws {
    let error = try #require(throws: CacheError.self) { try RedisConfiguration(url: url) }
    #expect(error.code == .misconfigured && error.disposition == .permanent)
    #expect(error.message.hasPrefix("the Redis URL is wrong: "))
    #expect(!"\(error)".contains("geheim"))
  }

  @Test(arguments: ["rediss://a", "rediss+sentinel://a/b"])
  func tlsIsRefusedByName(_ url: String) throws {
    let error = try #require(throws: CacheError.self) { try RedisConfiguration(url: url) }
    #expect(error.message.contains("rediss://"))
  }
}
