import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes
import Synchronization

/// A connection between its acceptance and its first read.
///
/// NIO drops the connections that were accepted and not yet taken when the server stops, and traps over each that was
/// never read (apple/swift-nio issues 2637 and 2813): a process that is told to stop under load would crash. Such a
/// connection is closed here as if it had been served.
final class AcceptedConnection: ServerChildChannelValue {
  typealias Parts = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

  let channel: any Channel
  private let parts: Mutex<Parts?>

  init(_ parts: Parts) {
    channel = parts.channel
    self.parts = Mutex(parts)
  }

  deinit {
    guard let parts = parts.withLock({ $0 }) else { return }
    Task { try? await parts.executeThenClose { _, _ in } }
  }

  /// Hands the connection over.
  ///
  /// - Precondition: it was not handed over before.
  func take() -> Parts {
    let parts = parts.withLock { parts in
      defer { parts = nil }
      return parts
    }
    guard let parts else { preconditionFailure("a connection is served once") }
    return parts
  }
}
