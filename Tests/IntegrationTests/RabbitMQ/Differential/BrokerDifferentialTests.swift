import Foundation
import Seams
import SeamsLive
import SimulatedNetwork
import SimulatedRabbitMQ
import SimulationKernel
import Synchronization
import Testing

@Suite("The simulated broker and real RabbitMQ do the same with random operations on several channels")
struct BrokerDifferentialTests {
  /// `ZOCO_BROKER_SEEDS=a..b`, both included.
  private static func seeds() throws -> ClosedRange<UInt64> {
    guard let text = ProcessInfo.processInfo.environment["ZOCO_BROKER_SEEDS"] else { return 1...150 }
    let bounds = text.split(separator: ".", omittingEmptySubsequences: true).compactMap { UInt64($0) }
    guard let first = bounds.first, let last = bounds.last, first <= last, bounds.count <= 2 else {
      throw ConformanceFailure("ZOCO_BROKER_SEEDS is a range of seeds such as 1..200, not \(text)")
    }
    return first...last
  }

  @Test func stepByStep() async throws {
    let seeds = try BrokerDifferentialTests.seeds()
    let board = Board(Tally(next: seeds.lowerBound))
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Lanes, because a run spends its time in waits.
      for _ in 0..<4 {
        group.addTask {
          while let seed = board.tally.withLock({ $0.take(upTo: seeds.upperBound) }) {
            let verdict = try await BrokerDifferentialTests.compare(seed)
            board.tally.withLock { $0.add(verdict) }
          }
        }
      }
      try await group.waitForAll()
    }
    let figures = board.tally.withLock { $0 }
    print("broker differential: \(figures)")
    for difference in figures.differences.prefix(5) { Issue.record(Comment(rawValue: difference)) }
    let agrees = figures.differences.isEmpty
    #expect(agrees, "\(figures)")
    let isMany = seeds.count >= 100
    #expect(!isMany || figures.deaths > 30, "the runs must dead-letter")
    #expect(figures.races * 10 <= seeds.count, "too many runs are cut short to prove anything")
    #expect(!isMany || figures.refusals > 50, "the runs must be refused things")
  }

  private struct Verdict: Sendable {
    var live: BrokerTranscript
    var difference: String?
    var isRace = false
  }

  /// Plays one seed on both. A difference must show five times: a message may expire on the other side of a look.
  private static func compare(_ seed: UInt64) async throws -> Verdict {
    var verdict = Verdict(live: BrokerTranscript())
    for _ in 0..<5 {
      verdict.live = try await playLive(seed)
      let simulated = try playSimulated(verdict.live, seed)
      switch verdict.live.compare(with: simulated) {
      case .same: return Verdict(live: verdict.live)
      case .race(let step):
        verdict.live.observations.removeSubrange(step...)
        verdict.live.steps.removeSubrange(step...)
        return Verdict(live: verdict.live, isRace: true)
      case .different(let difference):
        verdict.difference = """
          seed \(seed): real RabbitMQ (first) and the simulated broker (second) differ at \(difference)
          what real RabbitMQ did:
          \(verdict.live.rendered)
          again: ZOCO_BROKER_SEEDS=\(seed)..\(seed) ./zoco test --filter BrokerDifferentialTests
          """
      }
    }
    return verdict
  }

  private static func playLive(_ seed: UInt64) async throws -> BrokerTranscript {
    let broker = try LiveBroker()
    return try await withThrowingTaskGroup(of: Void.self) { group in
      let (readers, more) = AsyncStream.makeStream(of: (@Sendable () async -> Void).self)
      // A group of its own starts the readers, because a step cannot.
      group.addTask {
        await withTaskGroup(of: Void.self) { inner in
          for await reader in readers { inner.addTask { await reader() } }
        }
      }
      let player = BrokerPlayer(
        connector: broker.connector, clock: broker.clock, prefix: broker.prefix, spawn: { more.yield($0) },
        settle: { try await Task.sleep(for: .milliseconds(3), clock: .continuous) })
      var generator = BrokerStepGenerator(seed: seed)
      var transcript = BrokerTranscript(topology: generator.topology)
      try await player.start(generator.topology)
      let start = broker.clock.now
      while transcript.steps.count < generator.length {
        let step = generator.next(player.situation)
        var played = BrokerTranscript.Played(step: step, at: start.duration(to: broker.clock.now), lookedAt: .zero)
        transcript.observations.append(
          try await player.play(step, generator.topology) {
            played.lookedAt = start.duration(to: broker.clock.now)
          })
        transcript.steps.append(played)
      }
      try await player.stop(generator.topology)
      more.finish()
      try await group.waitForAll()
      return transcript
    }
  }

  private static func playSimulated(_ live: BrokerTranscript, _ seed: UInt64) throws -> BrokerTranscript {
    let kernel = SimulationKernel(seed: seed)
    let network = Network(kernel: kernel, defaultLatency: .constant(.microseconds(20)))
    var options = SimulatedRabbitMQOptions()
    options.syncDelay = .microseconds(100) ... .microseconds(200)
    let server = SimulatedRabbitMQServer(host: kernel.host("broker"), network: network, options: options)
    let transcript = Mutex(BrokerTranscript(topology: live.topology, steps: live.steps))
    let outcome = kernel.run { process in
      let player = BrokerPlayer(
        connector: server.connector(for: process), clock: process.clock, prefix: "s-",
        spawn: { reader in process.spawn("reader") { await reader() } },
        settle: { try await process.clock.sleep(for: .microseconds(300)) })
      try await player.start(live.topology)
      let start = process.clock.now
      func wait(until offset: Duration) async throws {
        let due = start.advanced(by: offset)
        if due > process.clock.now { try await process.clock.sleep(until: due, tolerance: nil) }
      }
      for (index, played) in live.steps.enumerated() {
        try await wait(until: played.at)
        let observation = try await player.play(played.step, live.topology) {
          try await wait(until: played.lookedAt)
        }
        transcript.withLock { $0.observations.append(observation) }
        if observation != live.observations[index] { break }
      }
      try await player.stop(live.topology)
    }
    kernel.reap()
    switch outcome {
    case .finished: break
    case .harnessFailure(let why) where why.contains("go around without end"):
      transcript.withLock { $0.endsInCircle = true }
    default: throw ConformanceFailure("the simulated run of seed \(seed) ended with \(outcome)")
    }
    return transcript.withLock { $0 }
  }

  private final class Board: Sendable {
    let tally: Mutex<Tally>

    init(_ tally: Tally) { self.tally = Mutex(tally) }
  }

  private struct Tally: Sendable, CustomStringConvertible {
    var next: UInt64
    var sequences = 0
    var steps = 0
    var deliveries = 0
    var refusals = 0
    var deaths = 0
    var races = 0
    var differences: [String] = []

    mutating func take(upTo last: UInt64) -> UInt64? {
      guard next <= last else { return nil }
      defer { next += 1 }
      return next
    }

    mutating func add(_ verdict: Verdict) {
      let transcript = verdict.live
      sequences += 1
      if verdict.isRace { races += 1 }
      steps += transcript.steps.count
      for observation in transcript.observations {
        deliveries += observation.deliveries.count + (observation.outcome.hasPrefix("got ") ? 1 : 0)
        if observation.outcome.hasPrefix("refused") || observation.outcome.contains("failed(refused") { refusals += 1 }
        deaths += ([observation.outcome] + observation.deliveries).count { $0.contains("×") }
      }
      if let difference = verdict.difference { differences.append(difference) }
    }

    var description: String {
      "\(sequences) sequences, \(steps) steps, \(deliveries) with deliveries, \(refusals) refused, "
        + "\(deaths) with dead letters, \(races) cut short at a race, \(differences.count) differences"
    }
  }
}
