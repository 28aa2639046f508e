import Foundation

/// The executable, started again.
enum ReExecution {
  /// Starts the executable anew with `SWIFT_DETERMINISTIC_HASHING=1`, unless the variable is set: the standard library
  /// reads it at the start only, and without it `Hasher` differs from process to process.
  static func ensureDeterministicHashing() {
    let variable = "SWIFT_DETERMINISTIC_HASHING"
    guard getenv(variable) == nil else { return }
    setenv(variable, "1", 1)
    var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
    arguments.append(nil)
    execv(executable, arguments)
    let reason = String(cString: strerror(errno))
    FileHandle.standardError.write(Data("zoco: could not start itself again with \(variable)=1: \(reason)\n".utf8))
    exit(127)
  }

  /// The path of the running executable.
  static var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  }
}
