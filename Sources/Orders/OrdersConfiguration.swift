package import ServiceKit

/// How the orders service works.
package struct OrdersConfiguration: Sendable {
  /// What all services know; without it every caller is believed.
  package var secret: Secret?
  /// How long the steps of a saga, its leases and its rests are.
  package var times: SagaTimes
  /// How many sagas an instance drives at the same time.
  package var concurrency: Int
  /// How often an instance looks for sagas that nobody drives.
  package var pollInterval: Duration
  /// How often it looks for the orders that callers wait for.
  package var waitInterval: Duration
  /// How requests for orders, and records of sagas, are gathered.
  package var groupCommit: GroupCommitOptions
  /// How customers are told of their orders' ends.
  package var notifications: NotificationOptions
  /// How events are published.
  package var outbox: OutboxPublisher.Options
  /// How events are consumed.
  package var inbox: InboxConsumer.Options
  /// The connections to the database.
  package var pool: SQLPool.Options
  /// The limits of a request.
  package var requests: ServiceHandler.Options

  /// A configuration; see each member.
  package init(
    secret: Secret? = nil, times: SagaTimes = SagaTimes(), concurrency: Int = 256,
    pollInterval: Duration = .seconds(1), waitInterval: Duration = .milliseconds(250),
    groupCommit: GroupCommitOptions = GroupCommitOptions(),
    notifications: NotificationOptions = NotificationOptions(), outbox: OutboxPublisher.Options = .init(),
    inbox: InboxConsumer.Options = .init(), pool: SQLPool.Options = SQLPool.Options(),
    requests: ServiceHandler.Options = ServiceHandler.Options()
  ) {
    precondition(concurrency >= 1 && times.lease > times.step, "a lease must outlast a step")
    self.secret = secret
    self.times = times
    self.concurrency = concurrency
    self.pollInterval = pollInterval
    self.waitInterval = waitInterval
    self.groupCommit = groupCommit
    self.notifications = notifications
    self.outbox = outbox
    self.inbox = inbox
    self.pool = pool
    self.requests = requests
  }
}
