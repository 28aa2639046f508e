package import Seams
package import ServiceKit

extension InventoryEvent {
  /// Where each kind is published (CONTRACT, "Events").
  package static let routes = EventRoutes(
    source: "urn:zoco:inventory", exchange: EventTopology.inventoryEvents.name,
    routingKeys: Dictionary(uniqueKeysWithValues: Kind.allCases.map { ($0.rawValue, $0.routingKey) }))

  /// What is declared before the first event is published: orders' queue too, so that it misses none.
  package static let topology = BrokerTopology(exchanges: [EventTopology.inventoryEvents])
    .merged(with: EventTopology.ordersInventoryEvents.topology)
}

extension InventoryEvent.Kind {
  /// The key with which events of this kind are published.
  package var routingKey: String {
    switch self {
    case .inventoryReserved: "inventory.reserved"
    case .inventoryConfirmed: "inventory.confirmed"
    case .inventoryReleased: "inventory.released"
    case .stockDepleted: "inventory.depleted"
    case .stockReplenished: "inventory.replenished"
    }
  }
}
