/// What can go wrong with one HTTP exchange beyond a lost message.
public enum HTTPFault: String, Sendable, Hashable, CaseIterable {
  /// Nobody accepts the connection: the server does not see the request.
  case refused
  /// The connection breaks before the server has read the request.
  case resetBefore = "reset-before"
  /// The connection breaks after the server acted, before its answer.
  case resetAfter = "reset-after"
  /// The request vanishes: the caller waits until its deadline.
  case requestLost = "request-lost"
  /// The answer vanishes after the server acted: the caller waits until its deadline.
  case responseLost = "response-lost"
  /// The body ends before its declared length.
  case cutBody = "cut-body"
  /// The declared length is shorter than the body.
  case wrongLength = "wrong-length"
  /// The body is not JSON, under an honest length.
  case garbageBody = "garbage-body"
  /// The status line says something else: 500 with the true body.
  case wrongStatus = "wrong-status"

  /// Whether the caller gets an answer, but not the one that the server wrote.
  public var damagesAnswer: Bool {
    switch self {
    case .cutBody, .wrongLength, .garbageBody, .wrongStatus: true
    case .refused, .resetBefore, .resetAfter, .requestLost, .responseLost: false
    }
  }
}

/// The share of exchanges on a link that each fault befalls.
public struct HTTPFaultRates: Sendable, Hashable {
  private var rates: [(fault: HTTPFault, rate: Double)] = []

  /// No faults.
  public init() {}

  /// The share of exchanges that `fault` befalls, 0 ... 1. At most one fault befalls an exchange.
  public subscript(fault: HTTPFault) -> Double {
    get { rates.first { $0.fault == fault }?.rate ?? 0 }
    set {
      rates.removeAll { $0.fault == fault }
      if newValue > 0 { rates.append((fault, newValue)) }
    }
  }

  var isEmpty: Bool { rates.isEmpty }

  /// The fault at `point` (0 ..< 1) of the line on which the rates lie one after another.
  func fault(at point: Double) -> HTTPFault? {
    var end = 0.0
    for (fault, rate) in rates {
      end += rate
      if point < end { return fault }
    }
    return nil
  }

  public static func == (left: HTTPFaultRates, right: HTTPFaultRates) -> Bool {
    HTTPFault.allCases.allSatisfy { left[$0] == right[$0] }
  }

  public func hash(into hasher: inout Hasher) {
    for fault in HTTPFault.allCases { hasher.combine(self[fault]) }
  }
}
