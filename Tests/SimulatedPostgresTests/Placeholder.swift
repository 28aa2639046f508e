import Testing

@Suite struct SimulatedPostgresTestsPlaceholder {}
