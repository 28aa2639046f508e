internal import Foundation
internal import Scenarios

/// The worker's side: one job a line on standard input, one report a line on standard output, until the input ends.
public enum WorkerLoop {
  /// Serves jobs on the calling thread until standard input ends.
  public static func run() throws {
    // The parent ends its workers itself, after it has noted what they ran.
    signal(SIGINT, SIG_IGN)
    let decoder = JSONDecoder()
    let encoder = JSONEncoder()
    while let line = readLine(strippingNewline: true) {
      let job = try decoder.decode(Job.self, from: Data(line.utf8))
      let report = ScenarioRunner.run(job.settings, recording: job.recording)
      var answer = try encoder.encode(report)
      answer.append(UInt8(ascii: "\n"))
      try FileHandle.standardOutput.write(contentsOf: answer)
    }
  }
}
