/// Finds what a mistyped name was probably meant to be.
package enum NearestName {
  /// The name of `candidates` that is fewest edits (insert, delete, replace, swap neighbours) away from `name`,
  /// whatever the case; the first of equals.
  ///
  /// - Returns: `nil` when more than a third of `name` would have to change, or when it is longer than 64 bytes.
  package static func of(_ name: String, among candidates: [String]) -> String? {
    guard name.utf8.count <= 64 else { return nil }
    let typed = Array(name.lowercased().utf8)
    let ranked = candidates.map { (name: $0, distance: distance(typed, Array($0.lowercased().utf8))) }
    guard let nearest = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return nearest.distance <= max(1, typed.count / 3) ? nearest.name : nil
  }

  /// The optimal string alignment distance of two names.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1] + Array(repeating: 0, count: b.count)
      for j in 0..<b.count {
        row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
      }
      (beforeLast, last) = (last, row)
    }
    return last[b.count]
  }
}
