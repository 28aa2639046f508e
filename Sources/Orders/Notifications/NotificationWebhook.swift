import HTTPTypes
import NIOCore
package import Seams
package import ServiceKit

/// Where notifications are posted: `https://shop.example/hooks/orders`.
package struct WebhookURL: Sendable, Hashable, CustomStringConvertible {
  let address: ServiceAddress
  /// The path and the query. It may hold a token: it appears in no text.
  let path: String

  /// The receiver that `text` names; `nil` unless it is `http://` or `https://` with a host, and a path, if any, of
  /// characters that a URL may have, without a fragment.
  package init?(_ text: String) {
    guard let scheme = text.firstRange(of: "://") else { return nil }
    let end = text[scheme.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
    guard let address = ServiceAddress(url: String(text[..<end])) else { return nil }
    let path = text[end...]
    guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"#\"<>\\^`{|}".utf8.contains($0) }) else { return nil }
    self.address = address
    self.path = path.hasPrefix("/") ? String(path) : "/" + path
  }

  /// The scheme, the host and the port.
  package var description: String { address.description }
}

/// The receiver of notifications, and how it is asked.
package struct NotificationWebhook: Sendable {
  private let url: WebhookURL
  private let secret: Secret
  private let transport: any HTTPTransport

  /// - Parameter secret: what the receiver checks signatures with.
  package init(url: WebhookURL, secret: Secret, transport: any HTTPTransport) {
    self.url = url
    self.secret = secret
    self.transport = transport
  }

  /// Posts a notification once. Any answer of 2xx means that the receiver has it; what else it says is not read.
  ///
  /// - Parameter now: the time that the signature names.
  /// - Throws: what is no failure of the receiver: `CancellationError`, the end of a simulated host.
  func post(
    _ notification: Notification, now: Timestamp, deadline: MonotonicInstant
  ) async throws -> NotificationBackOff.Outcome {
    do {
      let answer = try await transport.send(request(notification, now: now), deadline: deadline).head
      let retryAfter = answer.headerFields[.retryAfter].flatMap { UInt32($0) }.map { Duration.seconds(Int64($0)) }
      return NotificationBackOff.outcome(ofStatus: answer.status.code, retryAfter: retryAfter)
    } catch let error as HTTPTransportError {
      return .failed("\(error)")
    } catch let problem as Problem {
      return .refused("the row's data cannot be read: \(problem.detail)")
    }
  }

  private func request(_ notification: Notification, now: Timestamp) throws(Problem) -> HTTPRequestMessage {
    let body = try notification.body()
    let timestamp = now.microsecondsSinceEpoch / 1_000_000
    let fields: HTTPFields = [
      .contentType: "application/json",
      .contentLength: String(body.readableBytes),
      .correlationId: notification.correlationId.canonicalText,
      .notificationId: notification.id.canonicalText,
      .notificationTimestamp: String(timestamp),
      .notificationSignature: WebhookSignature.value(secret: secret, timestamp: timestamp, body: body),
    ]
    return HTTPRequestMessage(
      head: HTTPRequest(
        method: .post, scheme: url.address.scheme, authority: url.address.authority, path: url.path,
        headerFields: fields), body: .bytes(body))
  }
}

extension HTTPField.Name {
  /// The notification's id: the same in each attempt.
  fileprivate static let notificationId = HTTPField.Name("X-Zoco-Notification-Id")!
  /// When the attempt was made, in seconds since the epoch.
  fileprivate static let notificationTimestamp = HTTPField.Name("X-Zoco-Timestamp")!
  /// See ``WebhookSignature``.
  fileprivate static let notificationSignature = HTTPField.Name("X-Zoco-Signature")!
}
