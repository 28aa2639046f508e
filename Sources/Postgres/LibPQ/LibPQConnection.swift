internal import CLibPQ
internal import Glibc
internal import Logging

/// The one owner of a `PGconn`. Its `deinit` closes the connection; the pointer never leaves this type.
///
/// Not safe for use by two threads at once: ``PostgresConnection`` uses it under its lock, a connect attempt on its own
/// thread before that. `@unchecked Sendable`: only so that it can be handed from the one to the other.
final class LibPQConnection: @unchecked Sendable {
  enum Polling: Equatable { case reading, writing, ok, failed }
  enum Flush { case done, pending, failed }

  private let pointer: OpaquePointer
  private let notices: Notices
  private let tls: TLSPending?

  /// Where libpq's notices go. libpq holds it unretained: the connection owns it and outlives every call of it.
  final class Notices {
    let logger: Logger
    /// The last message of the server that belonged to no statement, such as why it closes an idle connection.
    var last: String?

    init(logger: Logger) { self.logger = logger }

    func take(_ result: OpaquePointer) {
      let message = PQresultErrorField(result, LibPQField.message).map { String(cString: $0) } ?? ""
      let state = PQresultErrorField(result, LibPQField.sqlState).map { String(cString: $0) } ?? ""
      last = message
      logger.debug("PostgreSQL notice: \(message)", metadata: ["sqlstate": "\(state)"])
    }
  }

  /// Begins to connect; `nil` when there is no memory. Never blocks when `hostaddr` is among the parameters.
  init?(parameters: [(keyword: String, value: String)], logger: Logger) {
    let keywords = CStringArray(parameters.map(\.keyword))
    let values = CStringArray(parameters.map(\.value))
    guard let pointer = keywords.withPointer({ k in values.withPointer { v in PQconnectStartParams(k, v, 0) } })
    else { return nil }
    self.pointer = pointer
    notices = Notices(logger: logger)
    tls = TLSPending.shared
    // The SQLSTATE of a refused sign-in is only in the text of the message, and only when that is verbose.
    PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
    PQsetNoticeReceiver(
      pointer,
      { context, result in
        if let context, let result { Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue().take(result) }
      }, Unmanaged.passUnretained(notices).toOpaque())
  }

  deinit { PQfinish(pointer) }

  // MARK: - State

  var isBad: Bool { PQstatus(pointer) == CONNECTION_BAD }
  var socket: Int32 { PQsocket(pointer) }
  var serverVersion: Int32 { PQserverVersion(pointer) }
  var backendPID: Int32 { PQbackendPID(pointer) }
  var usesTLS: Bool { PQsslInUse(pointer) != 0 }
  var transactionStatus: PGTransactionStatusType { PQtransactionStatus(pointer) }
  /// libpq's last error, without its trailing line end.
  var errorMessage: String { LibPQConnection.trimmed(String(cString: PQerrorMessage(pointer))) }
  var lastNotice: String? { notices.last }

  static func trimmed(_ text: String) -> String {
    var text = text[...]
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  // MARK: - Connecting

  func pollConnect() -> Polling {
    switch PQconnectPoll(pointer) {
    case PGRES_POLLING_READING: .reading
    case PGRES_POLLING_WRITING: .writing
    case PGRES_POLLING_OK: .ok
    default: .failed
    }
  }

  func setNonblocking() -> Bool { PQsetnonblocking(pointer, 1) == 0 }

  /// From here on results carry the fields of an error; texts need not be verbose.
  func makeTerse() { PQsetErrorVerbosity(pointer, PQERRORS_TERSE) }

  /// What cancels this connection's statements, for use on another thread.
  func makeCanceller() -> LibPQCanceller? { PQgetCancel(pointer).map(LibPQCanceller.init) }

  // MARK: - Sending

  func enterPipelineMode() -> Bool { PQenterPipelineMode(pointer) == 1 }
  func exitPipelineMode() -> Bool { PQexitPipelineMode(pointer) == 1 }

  func sendQuery(_ text: String) -> Bool { PQsendQuery(pointer, text) == 1 }

  /// Sends one statement by the extended protocol, unprepared and without parameters.
  func sendUnprepared(_ text: String) -> Bool { PQsendQueryParams(pointer, text, 0, nil, nil, nil, nil, 0) == 1 }

  func sendPrepare(name: String, text: String) -> Bool { PQsendPrepare(pointer, name, text, 0, nil) == 1 }

  func sendExecute(name: String, _ parameters: ParameterBuffer) -> Bool {
    parameters.withPointers { values in
      PQsendQueryPrepared(pointer, name, Int32(values.count), values.baseAddress, nil, nil, 0) == 1
    }
  }

  func sendSync() -> Bool { PQpipelineSync(pointer) == 1 }

  func flush() -> Flush {
    switch PQflush(pointer) {
    case 0: .done
    case 1: .pending
    default: .failed
    }
  }

  // MARK: - Receiving

  /// Reads what the socket holds, without waiting; `false` when the connection broke.
  func consumeInput() -> Bool {
    guard PQconsumeInput(pointer) == 1 else { return false }
    // epoll sees the socket, not what OpenSSL has already taken from it: leave nothing there.
    if let tls, let ssl = PQsslStruct(pointer, "OpenSSL") {
      while tls.hasPending(ssl) { guard PQconsumeInput(pointer) == 1 else { return false } }
    }
    return true
  }

  var isBusy: Bool { PQisBusy(pointer) != 0 }

  /// The next result; `nil` marks the end of one command's results. Blocks unless ``isBusy`` is `false`.
  func nextResult() -> LibPQResult? { PQgetResult(pointer).map(LibPQResult.init) }
}

/// Cancels the statement that runs on one connection. A copy of the server's address and key: it outlives the
/// connection.
///
/// `@unchecked Sendable`: `PQcancel` is documented as thread-safe, and nothing writes to the copy.
final class LibPQCanceller: @unchecked Sendable {
  private let pointer: OpaquePointer

  fileprivate init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit { PQfreeCancel(pointer) }

  /// Asks the server to cancel. Opens a connection of its own and blocks until the server has taken the request.
  ///
  /// - Returns: whether the server was reached.
  func cancel() -> Bool {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { PQcancel(pointer, $0.baseAddress, 256) == 1 }
  }
}

/// OpenSSL's `SSL_pending`, which libpq has already loaded where it was built with OpenSSL.
struct TLSPending: Sendable {
  private typealias Function = @convention(c) (UnsafeRawPointer?) -> Int32
  private let function: Function

  static let shared: TLSPending? = dlsym(nil, "SSL_pending").map {
    TLSPending(function: unsafeBitCast($0, to: Function.self))
  }

  func hasPending(_ ssl: UnsafeMutableRawPointer) -> Bool { function(ssl) > 0 }
}

/// A NULL-terminated array of C strings.
struct CStringArray {
  private let strings: [ContiguousArray<CChar>]

  init(_ strings: [String]) { self.strings = strings.map { $0.utf8CString } }

  func withPointer<R>(_ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
    var pointers: [UnsafePointer<CChar>?] = []
    return collect(0, &pointers, body)
  }

  private func collect<R>(
    _ index: Int, _ pointers: inout [UnsafePointer<CChar>?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R
  ) -> R {
    guard index < strings.count else {
      pointers.append(nil)
      return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the array ends with NULL, so it is not empty") }
        return body(base)
      }
    }
    return strings[index].withUnsafeBufferPointer {
      pointers.append($0.baseAddress)
      return collect(index + 1, &pointers, body)
    }
  }
}
