/// PostgreSQL's text form of one-dimensional arrays (manual, 8.15.6).
enum ArrayText {
  /// The elements of `{…}`, `nil` for NULL; `nil` when the text is not an array of one dimension with the default
  /// bounds.
  static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> [[UInt8]?]? {
    guard bytes.count >= 2, bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") else { return nil }
    var elements: [[UInt8]?] = []
    let end = bytes.count - 1
    var index = 1
    if index == end { return [] }
    while index <= end {
      var element: [UInt8] = []
      var isQuoted = false
      if bytes[index] == UInt8(ascii: "{") { return nil }
      if bytes[index] == UInt8(ascii: "\"") {
        isQuoted = true
        index += 1
        while index < end, bytes[index] != UInt8(ascii: "\"") {
          if bytes[index] == UInt8(ascii: "\\") { index += 1 }
          if index < end { element.append(bytes[index]) }
          index += 1
        }
        guard index < end else { return nil }
        index += 1
      } else {
        while index < end, bytes[index] != UInt8(ascii: ",") {
          if bytes[index] == UInt8(ascii: "\\") { index += 1 }
          if index < end { element.append(bytes[index]) }
          index += 1
        }
        if element.isEmpty { return nil }
      }
      guard index == end || bytes[index] == UInt8(ascii: ",") else { return nil }
      elements.append(!isQuoted && element.elementsEqual("NULL".utf8) ? nil : element)
      if index == end { return elements }
      index += 1
    }
    return nil
  }

  /// Appends `text` as a quoted element.
  static func appendQuoted(_ text: some Sequence<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text {
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
