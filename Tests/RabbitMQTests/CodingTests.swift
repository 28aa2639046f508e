import NIOCore
import Seams
import Testing

@testable import RabbitMQ

@Suite("Values on their way through librabbitmq's structures")
struct CodingTests {
  @Test func everyKindOfValueComesBack() {
    let table: BrokerTable = [
      "void": .void, "bool": false, "int": .int(.min), "double": .double(-0.5), "decimal": .decimal(scale: 3, value: 7),
      "text": "ä", "empty": "", "bytes": .bytes([1, 0, 2]), "time": .timestamp(9),
      "array": .array([1, .array([]), .table(["k": .array(["v"])])]), "table": .table([:]),
    ]
    var arena = AMQPArena()
    let coded = arena.table(table)
    #expect(AMQPDecoding.table(coded) == table)
    arena.free()
  }

  @Test func everyPropertyComesBack() {
    var message = BrokerMessage(
      body: ByteBuffer(), isPersistent: true, contentType: "text/plain", messageID: "m", correlationID: "c",
      expiration: .milliseconds(1500), headers: ["a": 1])
    var arena = AMQPArena()
    #expect(AMQPDecoding.message(arena.properties(of: message)) == message)
    message = BrokerMessage(body: ByteBuffer(), isPersistent: false)
    #expect(AMQPDecoding.message(arena.properties(of: message)) == message)
    arena.free()
  }

  @Test func aMessageIsCompleteWithItsLastByte() {
    var empty = ContentAssembly(start: .returned(312, "", exchange: "", routingKey: ""))
    #expect(!empty.isComplete)
    empty.begin(BrokerMessage(body: ByteBuffer()), bodySize: 0)
    #expect(empty.isComplete)
    var content = ContentAssembly(start: .returned(312, "", exchange: "", routingKey: ""))
    content.begin(BrokerMessage(body: ByteBuffer()), bodySize: 5)
    content.append(ByteBuffer(string: "abc"))
    #expect(!content.isComplete)
    content.append(ByteBuffer(string: "de"))
    #expect(content.isComplete)
    #expect(content.message.body == ByteBuffer(string: "abcde"))
  }
}

@Suite("What callers wait for")
struct WaitingTests {
  private func delivery(_ number: UInt64) -> BrokerDelivery {
    BrokerDelivery(
      tag: BrokerDeliveryTag(number), exchange: "", routingKey: "", isRedelivered: false,
      message: BrokerMessage(body: ByteBuffer()))
  }

  @Test func anAnswerThatComesFirstIsNotLost() async throws {
    let reply = Reply<Int>()
    #expect(reply.resume(.success(1)))
    #expect(!reply.resume(.success(2)))
    #expect(try await reply.value() == 1)
  }

  @Test func aCancelledCallerGivesUpAndLateAnswersSaySo() async {
    let reply = Reply<Int>()
    let error = await withTaskGroup(of: (any Error)?.self) { group in
      group.addTask {
        do {
          _ = try await reply.value()
          return nil
        } catch { return error }
      }
      group.cancelAll()
      return await group.next() ?? nil
    }
    #expect(error is CancellationError)
    #expect(!reply.resume(.success(1)))
  }

  @Test func deliveriesWaitForTheirReaderAndTheEndComesLast() async throws {
    let consumer = RabbitMQConsumer()
    consumer.push(delivery(1))
    consumer.push(delivery(2))
    consumer.end(.finished)
    consumer.end(.failed(BrokerError(.connectionLost, message: "")))
    #expect(try await consumer.next()?.tag.number == 1)
    #expect(try await consumer.next()?.tag.number == 2)
    #expect(try await consumer.next() == nil)
    #expect(try await consumer.next() == nil)
  }

  @Test func aBrokenChannelTakesBackWhatWasNotRead() async {
    let consumer = RabbitMQConsumer()
    consumer.push(delivery(1))
    consumer.end(.failed(BrokerError(.connectionLost, message: "")))
    let error = await #expect(throws: BrokerError.self) { try await consumer.next() }
    #expect(error?.code == .connectionLost)
  }
}
