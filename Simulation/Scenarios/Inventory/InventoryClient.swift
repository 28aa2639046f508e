internal import Checkers
internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import ServiceKit
internal import SimulatedNetwork
internal import SimulationKernel

/// A client of the inventory service: sends a request over the simulated network to one of the instances, and the same
/// request again, perhaps to another, until it has an answer or its patience ends. What it learns goes to the judges.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class InventoryClient: @unchecked Sendable {
  /// How long a client tries.
  struct Patience: Sendable {
    /// Attempts before it gives up.
    var attempts = 6
    /// How long it waits for one answer.
    var attemptTimeout: Duration = .seconds(3)
    /// The pause after the first failed attempt; it doubles, up to 2 s, with jitter.
    var backOff: Duration = .milliseconds(50)

    /// Tries for minutes: for what must come to an end once everything has healed.
    static let long = Patience(attempts: 60, attemptTimeout: .seconds(10), backOff: .milliseconds(100))
    /// One attempt.
    static let once = Patience(attempts: 1, attemptTimeout: .seconds(10))
  }

  let name: String
  let stream: RandomStream
  /// Attempts that were not answered, or with a failure.
  private(set) var unanswered: [String] = []
  private let process: SimulatedProcess
  private let transport: SimulatedHTTPTransport
  private let world: InventoryWorld

  /// The client `name` on `process`, with a random stream of its own.
  init(_ name: String, on process: SimulatedProcess, in world: InventoryWorld) {
    self.name = name
    self.process = process
    self.world = world
    stream = world.kernel.stream("client \(name)")
    transport = SimulatedHTTPTransport(process: process, network: world.world.network)
  }

  /// Waits on the client's clock.
  func think(_ time: Duration) async throws {
    try await process.clock.sleep(until: process.clock.now.advanced(by: time), tolerance: nil)
  }

  /// Sends `operation` until it is answered.
  ///
  /// - Returns: the answer, whatever its status below 500; `nil` when the client's patience ended without one.
  func perform(
    _ operation: ClientRecord.Operation, patience: Patience = Patience(), ttlSeconds: Int? = nil
  ) async throws -> ClientRecord.Answer? {
    let token = world.kernel.beginOperation("\(self.name): \(operation)")
    defer { world.kernel.endOperation(token) }
    let start = world.kernel.now
    var pause = patience.backOff
    var answered: ClientRecord?
    var attempt = 1
    while true {
      answered = try await send(operation, attempt, patience.attemptTimeout, ttlSeconds)
      if answered != nil { break }
      unanswered.append("\(self.name): \(operation), attempt \(attempt)")
      if attempt >= patience.attempts { break }
      try await think(stream.jittered(pause, spread: 0.5))
      pause = min(pause * 2, .seconds(2))
      attempt += 1
    }
    world.note(
      ClientRequest(client: name, operation: operation, start: start, attempts: attempt, answered: answered))
    return answered?.answer
  }

  /// One attempt; `nil` when it failed in a way that says nothing about the request. An answer that cannot be read is
  /// such a way only while the faults of the run may damage answers.
  private func send(
    _ operation: ClientRecord.Operation, _ attempt: Int, _ timeout: Duration, _ ttlSeconds: Int?
  ) async throws -> ClientRecord? {
    let instance = stream.pick(world.instances)
    let request = InventoryRequest.message(
      operation, authority: "\(instance.name):\(InventoryWorld.port)", timeout: timeout, ttlSeconds: ttlSeconds)
    let start = world.kernel.now
    let afterHealing = world.hasRecovered
    let mayBeDamaged = world.mayDamageAnswers
    world.world.requestCount += 1
    let response: HTTPResponseMessage
    do {
      response = try await transport.send(request, deadline: process.clock.now.advanced(by: timeout))
    } catch let error as HTTPTransportError {
      world.kernel.record(
        .operation, host: process.host, UInt64(attempt), detail: "\(name): \(operation): \(error.code)")
      if error.code == .malformedResponse, !mayBeDamaged {
        world.violate(.answersAreWhole, ["\(name): \(operation): \(error)"])
      }
      if afterHealing {
        world.kernel.end(.notConverged(["after every fault had healed: \(name): \(operation): \(error)"]))
      }
      return nil
    }
    guard let answer = try await InventoryAnswer.read(response, to: operation) else {
      world.kernel.record(
        .operation, host: process.host, UInt64(response.head.status.code),
        detail: "\(name): \(operation): \(response.head.status.code), unreadable")
      if !mayBeDamaged {
        world.violate(
          .answersAreWhole, ["\(name): \(operation): an answer of \(response.head.status.code) cannot be read"])
      }
      return nil
    }
    let record = ClientRecord(
      client: name, operation: operation, start: start, end: world.kernel.now, attempts: attempt, answer: answer,
      afterHealing: afterHealing)
    world.kernel.record(.operation, host: process.host, UInt64(answer.status), detail: record.line)
    world.judge(record)
    return answer.status < 500 ? record : nil
  }
}
