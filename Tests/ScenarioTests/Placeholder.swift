import Testing

@Suite struct ScenarioTestsPlaceholder {}
