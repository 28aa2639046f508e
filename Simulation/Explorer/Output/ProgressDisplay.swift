internal import Foundation
internal import Reporting

/// Shows how a sweep goes: one line for each scenario, rewritten in place on a terminal, plain lines elsewhere.
public final class ProgressDisplay {
  private let isTerminal: Bool
  private let write: (String) -> Void
  private var linesShown = 0
  private var lastPlain = ContinuousClock.now
  private var reported: Set<String> = []

  /// A display that hands its text to `write`.
  public init(isTerminal: Bool, write: @escaping (String) -> Void) {
    self.isTerminal = isTerminal
    self.write = write
  }

  /// Shows where `tallies` stand.
  public func show(_ tallies: [ScenarioTally]) {
    if isTerminal {
      let lines = tallies.filter { $0.startedAt != nil }.map(Self.line)
      let up = linesShown > 0 ? "\u{1B}[\(linesShown)A" : ""
      write(up + lines.map { "\r\u{1B}[2K\($0)\n" }.joined())
      linesShown = lines.count
      return
    }
    for tally in tallies where tally.endedAt != nil && reported.insert(tally.name).inserted {
      write(Self.line(tally) + "\n")
    }
    if lastPlain.duration(to: .now) > .seconds(10),
      let open = tallies.first(where: { $0.startedAt != nil && $0.isOpen })
    {
      lastPlain = .now
      write(Self.line(open) + "\n")
    }
  }

  /// One scenario's line: seeds done, seeds a second, virtual time per real time, failures.
  static func line(_ tally: ScenarioTally) -> String {
    let seconds = max(tally.wallSeconds, 1e-6)
    let mark = tally.failures.isEmpty ? (tally.isOpen ? "…" : "✓") : "✗"
    var parts = [
      "\(mark) \(tally.name.padded(to: 16))",
      "\(Quantity.count(tally.done))/\(Quantity.count(tally.seeds.count)) seeds".leftPadded(to: 18),
      "\(Quantity.number(Double(tally.done) / seconds)) seeds/s".leftPadded(to: 14),
      "\(Quantity.number(tally.virtualSeconds / seconds)) × real time".leftPadded(to: 20),
    ]
    if tally.verified > 0 { parts.append("\(Quantity.count(tally.verified)) verified") }
    parts.append(tally.failures.isEmpty ? "no failures" : "\(tally.failures.count) failed")
    return parts.joined(separator: "  ")
  }
}

extension String {
  /// The text on one line, with its end replaced by `…` where it is longer than `width` characters.
  public func cut(to width: Int) -> String {
    let line = contains(where: \.isNewline) ? split(whereSeparator: \.isNewline).joined(separator: " ") : self
    return line.count <= width ? line : line.prefix(max(0, width - 1)) + "…"
  }

  /// The text broken between words into lines of `width` characters at most; a longer word stands alone. At least one line.
  func wrapped(to width: Int) -> [String] {
    var lines = [""]
    for word in split(separator: " ") {
      let last = lines[lines.count - 1]
      if !last.isEmpty, last.count + 1 + word.count > width {
        lines.append(String(word))
      } else {
        lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
      }
    }
    return lines
  }

  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

  func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
