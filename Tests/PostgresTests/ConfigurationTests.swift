import Seams
import Testing

@testable import Postgres

@Suite("Connection URLs")
struct ConfigurationTests {
  @Test func hostsKeepTheirOrderAndPorts() throws {
    let configuration = try PostgresConfiguration(
      url: "postgresql://anna:geheim@a:1,b:2/shop?target_session_attrs=read-write&connect_timeout=3&sslmode=require")
    #expect(configuration.hosts.map(\.description) == ["a:1", "b:2"])
    #expect(configuration.timeoutPerAddress == .seconds(3))
    #expect(configuration.value(of: "target_session_attrs") == "read-write")
    #expect(configuration.value(of: "sslmode") == "require")
    #expect(configuration.value(of: "dbname") == "shop")
  }

  @Test func aPasswordIsNeverShown() throws {
    let configuration = try PostgresConfiguration(url: "postgres://anna:geheim@a/shop?password=geheim")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] { #expect(!text.contains("geheim")) }
    #expect(configuration.description == "postgresql://anna@a:5432/shop")
  }

  @Test(arguments: [
    "mysql://anna:geheim@a/shop", "postgres://anna:geheim@a:port/shop", "postgres://anna:geheim@[::1/shop",
    "postgres://anna:geheim@a/shop?geheim=1", "postgres://anna:geheim%zz@a/shop", "postgres://anna:geheim@a:70000/shop",
    "postgres://anna:geheim@a:1,b:2,c:3/shop?port=1,2", "", "postgres://anna@a/shop?sslmode=geheim",
    "postgres://anna@a/shop?target_session_attrs=geheim", "postgres://anna@a/shop?channel_binding=geheim",
    "postgres://anna@a/shop?gssencmode=geheim", "postgres://anna@a/shop?connect_timeout=geheim",
  ])
  func aWrongURLIsRefusedWithoutQuotingIt(_ url: String) throws {
    let error = try #require(throws: SQLError.self) { try PostgresConfiguration(url: url) }
    #expect(error.code == .connectFailed)
    #expect(error.message.contains("the database URL is wrong"))
    #expect(!"\(error)".contains("geheim"))
  }

  @Test func aRefusedSignInKeepsItsState() throws {
    let host = PostgresConfiguration.Host(name: "a", address: nil, port: "1")
    let text = """
      connection to server at "127.0.0.1", port 1 failed: FATAL:  28P01: password authentication failed for user "x"
      LOCATION:  auth_failed, auth.c:335
      """
    let failure = ConnectFailure(host: host, text: text)
    #expect(failure.sqlState == "28P01")
    #expect(failure.isSignInRefused)
    #expect(failure.message == "a:1: password authentication failed for user \"x\"")
  }

  @Test func aRefusedConnectionHasNoState() {
    let host = PostgresConfiguration.Host(name: "a", address: nil, port: "1")
    let text = "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the server running?"
    #expect(ConnectFailure(host: host, text: text) == ConnectFailure(message: "a:1: Connection refused"))
  }
}
