internal import Foundation
internal import HTTPTypes
internal import NIOCore
internal import Seams
internal import SimulatedNetwork
internal import SimulationKernel

// Scenarios that judge the explorer: each ends in one known way. They are hidden from the list.

/// Clients and a server that sends every body back: passes for every seed.
struct SelfTestEcho: Scenario {
  let name = "selftest-echo"
  let summary = "clients get their own bodies back over the simulated network"
  let defaultSeedCount = 100
  let isHidden = true

  func play(in world: World) -> RunOutcome {
    let server = world.kernel.host("server")
    server.boot { process in
      world.network.listen(process, port: 80, handler: EchoHandler())
    }
    let client = world.kernel.host("client")
    let shape = world.kernel.stream("shape")
    let clients = 2 + shape.index(below: 8)
    world.note(drawn: "clients: \(clients)")
    return world.kernel.run { driver in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<clients {
          group.addTask { try await Self.exchange(number, in: world, from: driver) }
        }
        try await group.waitForAll()
      }
      _ = client
    }
  }

  private static func exchange(_ number: Int, in world: World, from process: SimulatedProcess) async throws {
    let transport = SimulatedHTTPTransport(process: process, network: world.network)
    for round in 0..<10 {
      let body = ByteBuffer(string: "client \(number) round \(round)")
      let head = HTTPRequest(method: .post, scheme: "http", authority: "server:80", path: "/")
      world.requestCount += 1
      let answer = try await transport.send(
        HTTPRequestMessage(head: head, body: .bytes(body)), deadline: process.clock.now.advanced(by: .seconds(5)))
      let echoed = try await answer.body.collect(upTo: 1_024)
      if echoed != body { world.violate("echo", ["sent \(String(buffer: body)), got \(String(buffer: echoed))"]) }
    }
  }
}

private struct EchoHandler: HTTPHandler {
  func handle(_ request: HTTPRequestMessage, from peer: HTTPPeer) async -> HTTPResponseMessage {
    HTTPResponseMessage(head: HTTPResponse(status: .ok), body: request.body)
  }
}

/// Breaks an invariant for every seed that three divides.
struct SelfTestViolation: Scenario {
  let name = "selftest-violation"
  let summary = "breaks an invariant for every third seed"
  let defaultSeedCount = 9
  let isHidden = true

  func play(in world: World) -> RunOutcome {
    world.kernel.run { driver in
      try await driver.clock.sleep(until: driver.clock.now.advanced(by: .seconds(1)), tolerance: nil)
      world.kernel.record(.note, host: driver.host, "about to break")
      if world.settings.seed.isMultiple(of: 3) {
        world.violate("seeds are not divisible by three", ["seed \(world.settings.seed)"])
      }
    }
  }
}

/// Waits for an answer that never comes.
struct SelfTestStuck: Scenario {
  let name = "selftest-stuck"
  let summary = "waits for an answer that never comes"
  let defaultSeedCount = 1
  let isHidden = true

  func play(in world: World) -> RunOutcome {
    world.kernel.run(stuckAfter: .seconds(30)) { driver in
      _ = world.kernel.beginOperation("an answer that never comes")
      try await driver.pendingCall("the answer that never comes", as: Void.self).value()
    }
  }
}

/// Traps.
struct SelfTestTrap: Scenario {
  let name = "selftest-trap"
  let summary = "traps for seed 2"
  let defaultSeedCount = 3
  let isHidden = true

  func play(in world: World) -> RunOutcome {
    precondition(world.settings.seed != 2, "this scenario traps on purpose")
    return .finished
  }
}

/// Never returns.
struct SelfTestSpin: Scenario {
  let name = "selftest-spin"
  let summary = "never ends for seed 2"
  let defaultSeedCount = 3
  let isHidden = true

  func play(in world: World) -> RunOutcome {
    while world.settings.seed == 2 { usleep(1_000) }
    return .finished
  }
}

/// Takes memory until it is stopped.
struct SelfTestMemory: Scenario {
  let name = "selftest-memory"
  let summary = "takes memory without end for seed 2"
  let defaultSeedCount = 3
  let isHidden = true

  func play(in world: World) -> RunOutcome {
    var hoard: [[UInt8]] = []
    while world.settings.seed == 2 {
      hoard.append([UInt8](repeating: 1, count: 4 << 20))
      usleep(1_000)
    }
    return hoard.isEmpty ? .finished : .stuck([])
  }
}

/// Differs from process to process, past its first events.
struct SelfTestNondeterminism: Scenario {
  let name = "selftest-nondeterminism"
  let summary = "notes the process's number, so that no two processes agree"
  let defaultSeedCount = 1
  let isHidden = true

  func play(in world: World) -> RunOutcome {
    world.kernel.run { driver in
      for step in 0..<500 {
        try await driver.clock.sleep(until: driver.clock.now.advanced(by: .milliseconds(1)), tolerance: nil)
        let detail = step == 321 ? "step \(step) in process \(getpid())" : "step \(step)"
        world.kernel.record(.note, host: driver.host, detail)
      }
    }
  }
}
