import Testing

@Suite struct InventoryTestsPlaceholder {}
