import Seams
import Testing

@testable import RabbitMQ

@Suite("Broker URLs")
struct ConfigurationTests {
  @Test func everyPartIsRead() throws {
    let configuration = try RabbitMQConfiguration(
      url: "amqp://anna:ge%40heim@a:1,b,[::1]:3/my%2Fhost?heartbeat=7")
    #expect(configuration.hosts.map(\.description) == ["a:1", "b:5672", "::1:3"])
    #expect(configuration.user == "anna")
    #expect(configuration.password == "ge@heim")
    #expect(configuration.virtualHost == "my/host")
    #expect(configuration.heartbeat == .seconds(7))
    #expect(configuration.tls == nil)
  }

  @Test func whatIsLeftOutIsRabbitMQsDefault() throws {
    let plain = try RabbitMQConfiguration(url: "amqp://host")
    #expect([plain.user, plain.password, plain.virtualHost] == ["guest", "guest", "/"])
    let tls = try RabbitMQConfiguration(url: "amqps://u:p@host/?cacertfile=%2Fca.pem&verify=verify_none")
    #expect(tls.hosts.map(\.port) == [5671])
    #expect(tls.tls?.authorities == "/ca.pem")
    #expect(tls.tls?.verifies == false)
  }

  @Test func aPasswordIsNeverShown() throws {
    let configuration = try RabbitMQConfiguration(url: "amqp://anna:geheim@a,b:1/shop")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] { #expect(!text.contains("geheim")) }
    #expect(configuration.description == "amqp://anna@a:5672,b:1/shop")
  }

  @Test(arguments: [
    "http://anna:geheim@a/", "amqp://anna:geheim@a:port/", "amqp://anna:geheim@a:0/", "amqp://anna:geheim@/",
    "amqp://anna:geheim@a,,b/", "amqp://anna:geheim%zz@a/", "amqp://anna:geheim%00@a/", "amqp://anna:geheim@[::1/",
    "amqp://anna:geheim@a/?geheim=1", "amqp://anna:geheim@a/?heartbeat=0", "amqp://anna:geheim@a/?cacertfile=x",
    "amqps://anna:geheim@a/?certfile=geheim", "amqps://anna:geheim@a/?verify=geheim", "",
  ])
  func aWrongURLIsRefusedWithoutQuotingIt(_ url: String) {
    let error = #expect(throws: BrokerError.self) { try RabbitMQConfiguration(url: url) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.disposition == .permanent)
    #expect(error?.description.contains("geheim") == false)
  }
}
