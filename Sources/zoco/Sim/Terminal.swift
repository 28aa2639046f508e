import Glibc

/// The terminal that standard output goes to.
enum Terminal {
  /// Its width in characters; `nil` when standard output is a file, a pipe, or a terminal that does not say.
  static var width: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return max(80, Int(size.ws_col))
  }
}
