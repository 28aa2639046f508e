import Seams
import Testing

@testable import Redis

@Suite struct SentinelTests {
  private static let master = "+OK\r\n+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
  private static let replica = "+OK\r\n+OK\r\n*5\r\n$5\r\nslave\r\n$1\r\nx\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"

  private func sentinel(naming port: UInt16) -> ScriptedServer {
    let text = String(port)
    return ScriptedServer(signIn: "*2\r\n$9\r\n127.0.0.1\r\n$\(text.utf8.count)\r\n\(text)\r\n") { _ in nil }
  }

  private func url(_ sentinels: ScriptedServer...) -> String {
    "redis+sentinel://\(sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ","))/mymaster"
  }

  @Test func thePrimaryIsWhereTheSentinelSays() async throws {
    let server = ScriptedServer(signIn: Self.master) { _ in "+PONG\r\n" }
    let sentinel = sentinel(naming: server.port)
    let connection = try await server.connect(url(sentinel))
    defer { connection.close() }
    #expect(try await connection.execute(.ping, deadline: Clocks.after(.seconds(5))) == .status("PONG"))
  }

  @Test func aSentinelThatIsDownOrKnowsNothingIsPassedOver() async throws {
    let server = ScriptedServer(signIn: Self.master) { _ in "+PONG\r\n" }
    let down = ScriptedServer(signIn: "") { _ in nil }
    let ignorant = ScriptedServer(signIn: "*-1\r\n") { _ in nil }
    let good = sentinel(naming: server.port)
    let connection = try await server.connect(url(down, ignorant, good), within: .seconds(2))
    connection.close()
  }

  @Test func aPrimaryThatHasBecomeAReplicaIsNotTaken() async throws {
    let old = ScriptedServer(signIn: Self.replica) { _ in nil }
    let new = ScriptedServer(signIn: Self.master) { _ in "+PONG\r\n" }
    let (late, current) = (sentinel(naming: old.port), sentinel(naming: new.port))
    let connection = try await old.connect(url(late, current))
    connection.close()
    let error = try await #require(throws: CacheError.self) { _ = try await old.connect(url(late)) }
    #expect(error.code == .connectFailed && error.message.contains("it is slave"))
  }
}
