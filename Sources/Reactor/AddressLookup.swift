internal import Glibc

/// Looks names up with the system's resolver. Blocks: only for helper threads.
package enum AddressLookup {
  package enum Answer: Sendable, Equatable {
    /// Numeric addresses in the order in which the system prefers them.
    case addresses([String])
    case failed(String)
  }

  package static func resolve(_ name: String) -> Answer {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, nil, &hints, &list)
    guard code == 0, let list else {
      return .failed(String(cString: gai_strerror(code)))
    }
    defer { freeaddrinfo(list) }
    var addresses: [String] = []
    var entry: UnsafeMutablePointer<addrinfo>? = list
    while let current = entry {
      if let text = numeric(current.pointee), !addresses.contains(text) { addresses.append(text) }
      entry = current.pointee.ai_next
    }
    return addresses.isEmpty ? .failed("the name has no address") : .addresses(addresses)
  }

  private static func numeric(_ info: addrinfo) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
      let code = getnameinfo(
        info.ai_addr, info.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
      guard code == 0, let base = buffer.baseAddress else { return nil }
      return String(cString: base)
    }
  }
}
