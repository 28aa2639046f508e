/// Members with scores, ordered by score and then by bytes.
struct SortedSet {
  struct Element {
    var score: Double
    var member: [UInt8]

    func precedes(_ other: Element) -> Bool {
      if score != other.score { return score < other.score }
      return member.lexicographicallyPrecedes(other.member)
    }
  }

  private var scores: [[UInt8]: Double] = [:]
  private(set) var elements: [Element] = []

  var count: Int { elements.count }

  func score(of member: [UInt8]) -> Double? { scores[member] }

  mutating func set(_ member: [UInt8], to score: Double) {
    remove(member)
    // As in sets of up to 128 members, whose whole scores Redis keeps as integers: there is no negative zero.
    let score = score == 0 ? 0 : score
    scores[member] = score
    let element = Element(score: score, member: member)
    elements.insert(element, at: position(of: element))
  }

  @discardableResult
  mutating func remove(_ member: [UInt8]) -> Bool {
    guard let score = scores.removeValue(forKey: member) else { return false }
    elements.remove(at: position(of: Element(score: score, member: member)))
    return true
  }

  mutating func removeSubrange(_ range: Range<Int>) {
    for element in elements[range] { scores[element.member] = nil }
    elements.removeSubrange(range)
  }

  /// The first position whose element does not come before `element`.
  private func position(of element: Element) -> Int {
    var (low, high) = (0, elements.count)
    while low < high {
      let middle = (low + high) / 2
      if elements[middle].precedes(element) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The positions of the scores in `range`.
  func positions(in range: ScoreRange) -> Range<Int> {
    let start = elements.firstIndex { range.isAboveMinimum($0.score) } ?? elements.count
    let end = elements[start...].firstIndex { !range.isBelowMaximum($0.score) } ?? elements.count
    return start..<end
  }

  /// The positions that `start` and `stop` name, both included; negative ones count from the end.
  func positions(from start: Int64, through stop: Int64) -> Range<Int> {
    let count = Int64(self.count)
    let first = max(0, start < 0 ? start &+ count : start)
    let last = min(count - 1, stop < 0 ? stop &+ count : stop)
    guard first <= last, first < count else { return 0..<0 }
    return Int(first)..<Int(last + 1)
  }
}

/// Two bounds of scores, each of which may be left out of the range.
struct ScoreRange {
  var minimum: Double
  var maximum: Double
  var excludesMinimum: Bool
  var excludesMaximum: Bool

  func isAboveMinimum(_ score: Double) -> Bool { excludesMinimum ? score > minimum : score >= minimum }
  func isBelowMaximum(_ score: Double) -> Bool { excludesMaximum ? score < maximum : score <= maximum }
}
