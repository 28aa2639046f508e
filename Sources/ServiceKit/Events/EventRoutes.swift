/// Where a service's events go, by their type.
package struct EventRoutes: Sendable, Hashable {
  /// CloudEvents `source` of all of them.
  package var source: String
  /// The exchange that they are published to.
  package var exchange: String
  /// The routing key of each type.
  package var routingKeys: [String: String]
  /// Whether an event must reach a queue. Otherwise one that nobody wants is published all the same.
  package var isMandatory: Bool

  /// Routes of the given parts.
  package init(source: String, exchange: String, routingKeys: [String: String], isMandatory: Bool = false) {
    self.source = source
    self.exchange = exchange
    self.routingKeys = routingKeys
    self.isMandatory = isMandatory
  }
}
