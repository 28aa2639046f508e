import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The process's standard error, unbuffered.
enum StandardError {
  static func write(_ text: String) {
    write(ByteBuffer(string: text))
  }

  /// Writes `bytes` in one call where the system takes them in one, so that lines of different threads do not mix. What
  /// cannot be written is lost: there is nowhere left to say so.
  static func write(_ bytes: ByteBuffer) {
    bytes.withUnsafeReadableBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let written = writeOnce(rest)
        guard written > 0 else { return }
        rest = rest.dropFirst(written)
      }
    }
  }

  private static func writeOnce(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
    while true {
      #if canImport(Glibc)
        let written = Glibc.write(STDERR_FILENO, bytes.base.baseAddress?.advanced(by: bytes.startIndex), bytes.count)
      #elseif canImport(Musl)
        let written = Musl.write(STDERR_FILENO, bytes.base.baseAddress?.advanced(by: bytes.startIndex), bytes.count)
      #else
        let written = Darwin.write(STDERR_FILENO, bytes.base.baseAddress?.advanced(by: bytes.startIndex), bytes.count)
      #endif
      if written >= 0 || errno != EINTR { return written }
    }
  }
}
