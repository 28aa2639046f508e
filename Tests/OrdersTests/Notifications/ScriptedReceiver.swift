import FoundationEssentials
import HTTPTypes
import NIOCore
import Orders
import Seams
import ServiceKit
import SimulationKernel
import Testing

/// A receiver of notifications that does what a test says.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class ScriptedReceiver: @unchecked Sendable {
  /// What becomes of a post.
  enum Turn {
    case answer(Int, HTTPFields = [:])
    /// It arrives, and the connection breaks before the answer.
    case lostAnswer
    /// It arrives, and nothing comes back.
    case silence
  }

  /// A post as it arrived.
  struct Post: Sendable {
    /// When, from the beginning of the run.
    var at: Duration
    /// The process that sent it.
    var sender: String
    var head: HTTPRequest
    var body: String

    func field(_ name: String) -> String { head.headerFields[HTTPField.Name(name)!] ?? "" }

    var id: String { field("X-Zoco-Notification-Id") }
    var json: JSONValue { (try? StrictJSON.parse(body)) ?? .null }
  }

  static let secret = Secret("a secret of the webhook")

  /// What becomes of the next posts, until they are used up; then all are taken.
  var turns: [Turn]
  private(set) var posts: [Post] = []
  /// What runs when a post has arrived, before it is answered.
  var during: (@Sendable (Post) async throws -> Void)?

  init(_ turns: [Turn] = []) { self.turns = turns }

  /// How many posts there were of each notification.
  var counts: [Int] { Dictionary(grouping: posts, by: \.id).values.map(\.count).sorted() }

  /// The times between posts.
  var pauses: [Duration] { zip(posts, posts.dropFirst()).map { $1.at - $0.at } }

  func webhook(of process: SimulatedProcess) -> NotificationWebhook? {
    WebhookURL("http://receiver:9000/hooks/orders?shop=1").map {
      NotificationWebhook(url: $0, secret: Self.secret, transport: Transport(receiver: self, process: process))
    }
  }

  fileprivate func take(_ post: Post) -> Turn {
    posts.append(post)
    return turns.isEmpty ? .answer(200) : turns.removeFirst()
  }

  private struct Transport: HTTPTransport {
    let receiver: ScriptedReceiver
    let process: SimulatedProcess

    func send(_ request: HTTPRequestMessage, deadline: MonotonicInstant) async throws -> HTTPResponseMessage {
      let post = ScriptedReceiver.Post(
        at: .nanoseconds(process.clock.now.nanoseconds), sender: process.host.name, head: request.head,
        body: String(buffer: try await request.body.collect(upTo: 1 << 20)))
      let turn = receiver.take(post)
      try await receiver.during?(post)
      switch turn {
      case .answer(let status, let fields):
        return HTTPResponseMessage(head: HTTPResponse(status: .init(code: status), headerFields: fields))
      case .lostAnswer: throw HTTPTransportError(.connectionReset, "as the test says")
      case .silence:
        try await process.clock.sleep(until: deadline, tolerance: nil)
        throw HTTPTransportError(.deadlineExceeded, "as the test says")
      }
    }
  }
}
