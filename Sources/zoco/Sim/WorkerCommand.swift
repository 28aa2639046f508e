import ArgumentParser
import Explorer

/// What the parent starts its workers as.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim-worker", abstract: "Play runs for a parent process: jobs in, reports out.",
    discussion: "Example: zoco sim starts it; nobody needs to.", shouldDisplay: false)

  func run() throws {
    try WorkerLoop.run()
  }
}
