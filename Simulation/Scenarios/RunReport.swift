public import Checkers
internal import Seams
internal import SimulationKernel

/// What a run did and how it ended.
public struct RunReport: Sendable, Codable {
  /// How a run ended, by what it means to its user.
  public enum Verdict: String, Sendable, Codable, CaseIterable {
    case passed
    case invariantBroken = "invariant-broken"
    case notConverged = "not-converged"
    /// The program trapped or span, or the harness itself failed.
    case crashed
  }

  /// A number that the scenario measured.
  public struct Figure: Sendable, Codable, Hashable {
    public var name: String
    public var value: Double
    public var unit: String

    /// `value` in `unit`.
    public init(_ name: String, _ value: Double, unit: String = "") {
      self.name = name
      self.value = value
      self.unit = unit
    }
  }

  /// How often a fault really happened.
  public struct FaultCount: Sendable, Codable, Hashable {
    public var kind: String
    public var count: Int

    /// `count` faults of `kind`.
    public init(_ kind: String, _ count: Int) {
      self.kind = kind
      self.count = count
    }
  }

  /// One kept event.
  public struct Event: Sendable, Codable, Hashable, CustomStringConvertible {
    public var index: UInt64
    public var nanoseconds: Int64
    public var host: String
    public var kind: String
    public var detail: String

    init(_ event: TraceEvent) {
      index = event.index
      nanoseconds = event.time.nanoseconds
      host = event.host
      kind = event.kind.name
      detail = event.detail
    }

    public var description: String {
      let seconds = String(nanoseconds / 1_000_000_000)
      let fraction = String(nanoseconds % 1_000_000_000 / 1_000 + 1_000_000).dropFirst()
      let time = String(repeating: " ", count: max(0, 5 - seconds.count)) + "\(seconds).\(fraction)"
      let place = host.padding(to: 12)
      return "\(time)  \(place)  \(kind.padding(to: 9))  \(detail)"
    }
  }

  public var settings: RunSettings
  public var verdict: Verdict
  /// The invariant that broke, or what else ended the run; empty when it passed.
  public var finding = ""
  /// The invariant that the finding is about; `nil` for a run that passed or failed otherwise.
  public var invariant: Invariant?
  /// The rows, requests and waits that show it.
  public var evidence: [String] = []
  /// The run's hash, in hexadecimal.
  public var hash: String
  public var eventCount: UInt64 = 0
  public var jobCount: UInt64 = 0
  /// HTTP requests that clients sent, attempts counted one by one.
  public var requestCount = 0
  public var virtualNanoseconds: Int64 = 0
  /// Real time, in seconds.
  public var elapsed: Double = 0
  /// What the seed drew: sizes, timing, the fault kinds.
  public var drawn: [String] = []
  public var faults: [FaultCount] = []
  public var figures: [Figure] = []
  public var checkpoints: [UInt64] = []
  public var events: [Event] = []

  /// A report of a run that has not told anything yet.
  public init(settings: RunSettings, verdict: Verdict, hash: String = "") {
    self.settings = settings
    self.verdict = verdict
    self.hash = hash
  }

  /// Orders that were made, whatever became of them.
  public var orderCount: Int {
    Int(figures.filter { RunReport.orderFigures.contains($0.name) }.reduce(0) { $0 + $1.value })
  }

  /// The figures that count orders, by what became of them.
  static let orderFigures = ["orders confirmed", "orders that came to nothing"]

  public var virtualSeconds: Double { Double(virtualNanoseconds) / 1e9 }
}

extension TraceKind {
  /// The kind as a trace prints it.
  var name: String {
    switch self {
    case .job: "job"
    case .timer: "timer"
    case .messageSent: "sent"
    case .messageDelivered: "received"
    case .messageDropped: "dropped"
    case .requestServed: "request"
    case .requestEnded: "answer"
    case .sqlStatement: "sql"
    case .sqlOutcome: "sql done"
    case .sqlWait: "sql waits"
    case .fault: "fault"
    case .hostCrashed: "crash"
    case .hostStarted: "boot"
    case .hostPaused: "pause"
    case .hostResumed: "resume"
    case .operation: "client"
    case .note: "note"
    case .cacheCommand: "cache"
    case .brokerFrame: "broker"
    }
  }
}

extension String {
  /// The text, filled with spaces on the right up to `width` characters.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
