/// Comparisons whose duration tells nothing of what is compared.
package enum ConstantTime {
  /// Whether two secrets are alike. It takes as long for any guess of a length: nobody learns by the time how much of it
  /// was right.
  package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}
