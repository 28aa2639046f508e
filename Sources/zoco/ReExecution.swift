import Foundation

/// The executable, started again.
enum ReExecution {
  /// What is read at a process's start only: without the first `Hasher` differs from process to process; with the second
  /// glibc keeps more freed memory at hand and asks for huge pages, which makes simulations 3 % and 2 % faster.
  private static let variables = [
    "SWIFT_DETERMINISTIC_HASHING": "1", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=500:glibc.malloc.hugetlb=1",
  ]

  /// Starts the executable anew unless the variables that it needs at its start are set.
  static func ensureEnvironment() {
    guard variables.keys.contains(where: { getenv($0) == nil }) else { return }
    for (name, value) in variables { setenv(name, value, 0) }
    var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
    arguments.append(nil)
    execv(executable, arguments)
    let reason = String(cString: strerror(errno))
    FileHandle.standardError.write(Data("zoco: could not start itself again: \(reason)\n".utf8))
    exit(127)
  }

  /// The path of the running executable.
  static var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }
}
