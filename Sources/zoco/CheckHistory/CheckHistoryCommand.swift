import ArgumentParser
import Explorer
import Foundation
import Linearizability
import Reporting

/// `zoco check-history`: judges a Jepsen-style log.
struct CheckHistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-history",
    abstract: "Judge whether the history in a Jepsen-style log is linearizable.",
    discussion: """
      The log is EDN, a map for each event, one a line or all in one vector, or the text that Jepsen prints:

        {:process 0, :type :invoke, :f :write, :value 3}
        INFO  jepsen.util - 0 :invoke :write 3

      Types are :invoke, :ok, :fail (it did not happen) and :info (nobody knows). A key-value store's events have a :key,
      or pairs [key value] as values. Events of the nemesis are skipped.

      Models and their operations:
        register      :read, :write
        cas-register  :read, :write, :cas [expected new]
        kv            the same, also :get, :put and :append, for each key

      Examples:
        zoco check-history history.edn --model cas-register
        zoco check-history store.log --model kv --time-limit 10

      Exit status: 0 linearizable, 129 not linearizable, 128 unknown when the time was up, 64 wrong use or no such log.
      """)

  enum Model: String, ExpressibleByArgument, CaseIterable {
    case register
    case casRegister = "cas-register"
    case keyValue = "kv"
  }

  enum FailedCompareAndSet: String, ExpressibleByArgument, CaseIterable {
    case absent, mismatch

    var meaning: HistoryLog.FailedCompareAndSet { self == .absent ? .absent : .mismatch }
  }

  @Argument(help: ArgumentHelp("The log; - for standard input.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("What the log is about.", valueName: "model"))
  var model: Model

  @Option(help: ArgumentHelp("How long to search for an order, in seconds.", valueName: "seconds"))
  var timeLimit = 60.0

  @Option(
    help: ArgumentHelp("What registers hold at first: a whole number or a text (default: nothing).", valueName: "value")
  )
  var initial: String?

  @Option(
    help: ArgumentHelp(
      "What :fail of a :cas means: absent, it did not happen; mismatch, it found another value, as in the logs of etcd's "
        + "tests (default: mismatch in text, absent in EDN).", valueName: "meaning"))
  var failedCas: FailedCompareAndSet?

  func validate() throws {
    guard timeLimit > 0, timeLimit <= 1e6 else {
      throw ValidationError("--time-limit takes a number of seconds above 0, at most 1000000")
    }
  }

  func run() throws {
    let log = try readLog()
    let failure = failedCas.map(\.meaning) ?? log.customaryFailure
    let start = initial.map { Int($0).map(HistoryValue.integer) ?? .text($0) } ?? .nothing
    switch model {
    case .register, .casRegister:
      let history = try placed {
        try log.registerHistory(allowsCompareAndSet: model == .casRegister, failure: failure)
      }
      try judge(history, by: RegisterModel(initial: start))
    case .keyValue:
      try judge(try placed { try log.keyValueHistory(failure: failure) }, by: KeyValueModel(initial: start))
    }
  }

  /// Lets the errors of a log say which one.
  private func placed<Result>(_ read: () throws -> Result) throws -> Result {
    do {
      return try read()
    } catch let error as LogError {
      throw ValidationError("\(file): \(error)")
    }
  }

  private func readLog() throws -> HistoryLog {
    let bytes: [UInt8]
    do {
      let handle = file == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
      bytes = Array(try handle.readToEnd() ?? Data())
    } catch {
      throw ValidationError("\(file) cannot be read: \((error as NSError).localizedDescription)")
    }
    return try placed { try HistoryLog(bytes) }
  }

  private func judge<Judge: SequentialModel>(
    _ history: [HistoryOperation<Judge.Operation, Judge.Output>], by judge: Judge
  ) throws {
    let started = ContinuousClock.now
    let limits = SearchLimits(time: (.seconds(timeLimit), ContinuousClock()))
    let report = LinearizabilityChecker(judge, limits: limits).check(history)
    let took = Quantity.duration(seconds: started.duration(to: .now) / .seconds(1))
    let size =
      "\(Quantity.count(report.operations, "operation")), \(Quantity.count(report.partitions, "partition")), "
      + "\(Quantity.count(report.steps, "step")), \(took)"
    switch report.verdict {
    case .linearizable:
      print("linearizable: \(size)")
    case .notLinearizable(let counterexample):
      print("not linearizable: \(size)\n")
      print(counterexample.timeline)
      throw ExitCode(Exit.invariantBroken.rawValue)
    case .unknown(let reason, let open):
      let why =
        switch reason {
        case .time: "the time was up"
        case .steps: "the limit on steps was reached"
        case .memory: "the limit on memory was reached"
        }
      print("unknown: \(why) with \(Quantity.count(open, "partition")) undecided and none failed; \(size)")
      throw ExitCode(Exit.notConverged.rawValue)
    }
  }
}
