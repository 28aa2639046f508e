public import Seams

/// What kind of thing happened in a run. The raw value goes into the run's hash.
public enum TraceKind: UInt8, Sendable, CaseIterable {
  case job = 1
  case timer
  case messageSent
  case messageDelivered
  case messageDropped
  case requestServed
  case requestEnded
  case sqlStatement
  case sqlOutcome
  case sqlWait
  case fault
  case hostCrashed
  case hostStarted
  case hostPaused
  case hostResumed
  case operation
  case note
  case cacheCommand
  case brokerFrame
}

/// One event of a run, kept only when events are asked for.
public struct TraceEvent: Sendable {
  /// The event's number in the run, from 0, counting every hashed event.
  public var index: UInt64
  /// Virtual time.
  public var time: MonotonicInstant
  /// The host it happened on, or the network.
  public var host: String
  /// What happened.
  public var kind: TraceKind
  /// The particulars, for people.
  public var detail: String
}

/// The record of a run: a rolling hash always, the events themselves when asked for.
///
/// The hash covers every event's kind, time, place and particulars: two runs with one hash did the same things in the
/// same order.
public struct Trace {
  /// Which events are kept.
  public enum Retention: Sendable, Hashable {
    /// None: only the hash.
    case hashOnly
    /// The latest this many, without job runs and timers.
    case latest(Int)
    /// Every event, without job runs and timers.
    case all
  }

  /// The hash of all events so far.
  public private(set) var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
  /// How many events there were.
  public private(set) var count: UInt64 = 0
  /// What is kept.
  public var retention: Retention
  /// The hash after every this many events, for finding where two runs part; 0 keeps none.
  public var checkpointInterval: UInt64 = 0
  /// The hashes at the checkpoints.
  public private(set) var checkpoints: [UInt64] = []
  private var kept: [TraceEvent] = []
  private var oldest = 0

  init(retention: Retention) {
    self.retention = retention
  }

  /// The kept events, oldest first.
  public var events: [TraceEvent] {
    Array(kept[oldest...]) + Array(kept[..<oldest])
  }

  var keepsEvents: Bool { retention != .hashOnly }

  @inline(__always)
  mutating func mix(_ kind: TraceKind, _ time: Int64, _ first: UInt64, _ second: UInt64 = 0) {
    var value = hash ^ (UInt64(kind.rawValue) &* 0xFF51_AFD7_ED55_8CCD)
    value = (value ^ UInt64(bitPattern: time)) &* 0xC4CE_B9FE_1A85_EC53
    value ^= value >> 29
    value = (value ^ first) &* 0x9E37_79B9_7F4A_7C15
    value ^= value >> 32
    value = (value ^ second) &* 0xBF58_476D_1CE4_E5B9
    hash = value ^ value >> 31
    count &+= 1
    if checkpointInterval != 0, count % checkpointInterval == 0 { checkpoints.append(hash) }
  }

  mutating func keep(_ event: TraceEvent) {
    switch retention {
    case .hashOnly: break
    case .all: kept.append(event)
    case .latest(let limit):
      if kept.count < limit {
        kept.append(event)
      } else if limit > 0 {
        kept[oldest] = event
        oldest = (oldest + 1) % limit
      }
    }
  }

  static func digest(_ text: String) -> UInt64 {
    var text = text
    return text.withUTF8 { bytes in
      var value: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
      for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
      return value
    }
  }
}
