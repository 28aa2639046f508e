import Seams
import SimulationKernel
import Testing

@Suite struct EventQueueTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func eventsComeInTheOrderOfTimeThenOfScheduling(seed: UInt64) {
    let kernel = SimulationKernel(seed: seed)
    let stream = kernel.stream("test")
    let log = Log()
    var expected: [(time: Int, number: Int)] = []
    var timers: [(timer: TimerToken, number: Int)] = []
    for number in 0..<500 {
      let time = stream.index(below: 50)
      timers.append((kernel.schedule(after: .nanoseconds(time)) { log.append(number) }, number))
      expected.append((time, number))
    }
    for _ in 0..<200 {
      let victim = timers.remove(at: stream.index(below: timers.count))
      kernel.cancel(victim.timer)
      kernel.cancel(victim.timer)
      expected.removeAll { $0.number == victim.number }
    }
    kernel.runLoop()
    #expect(log.entries == expected.sorted { ($0.time, $0.number) < ($1.time, $1.number) }.map(\.number))
    #expect(kernel.isAtRest)
  }

  @Test func aTimerThatFiredMayBeCancelledWithoutHarmToItsSuccessor() {
    let kernel = SimulationKernel(seed: 1)
    let log = Log()
    let first = kernel.schedule(after: .zero) { log.append(1) }
    kernel.runLoop()
    kernel.schedule(after: .zero) { log.append(2) }
    kernel.cancel(first)
    kernel.runLoop()
    #expect(log.entries == [1, 2])
  }
}
